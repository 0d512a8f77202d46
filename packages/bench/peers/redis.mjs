import { createClient } from 'redis'

/** @param {string} url */
export const connect = (url) =>
  createClient({ url })
    .on('error', () => {})
    .connect()
