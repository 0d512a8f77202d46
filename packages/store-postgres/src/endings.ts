import type { EndingsFeed } from '@sess/core'
import { Listeners } from '@sess/core/store'
import type { PostgresClient } from './query.ts'
import { quote } from './table.ts'

/** A connection that is told of notifications: a connected `Client` of pg, not a pool, or anything that tells alike. */
export interface PostgresListener extends PostgresClient {
  on(event: 'notification', listener: (message: { channel: string; payload?: string | undefined }) => void): unknown
}

/** How endings are told between processes. */
export interface EndingsOptions {
  /**
   * A connection of its own, straight to the server: poolers in transaction mode lose what it listens to. It listens while
   * somebody wants to be told. You connect and end it; once it is lost, nothing is heard any more until there is a new store.
   */
  readonly client: PostgresListener
}

/** Tells of the handles that are notified on a channel. */
export function endingsFeed(client: PostgresListener, channel: string): EndingsFeed {
  // One after the other. Where the connection is lost, its owner hears of it by its `error` event.
  let sent: PromiseLike<unknown> = Promise.resolve()
  const send = (verb: string) => {
    const run = () => client.query({ text: `${verb} ${quote(channel)}`, values: [] })
    sent = sent.then(run).then(undefined, () => {})
  }
  const listeners = new Listeners(
    () => send('LISTEN'),
    () => send('UNLISTEN'),
  )
  client.on('notification', (message) => {
    if (message.channel === channel) listeners.tell(message.payload ?? '')
  })
  return { onEnding: (listener) => listeners.add(listener) }
}
