import session from 'express-session'

/** Its own store, which it warns about. */
export const open = () => new session.MemoryStore()
