import type { EndingsFeed } from '@sess/core'
import { type SubscribingClient, subscription } from './client.ts'

/** How endings are heard. */
export interface EndingsOptions {
  /**
   * A client of its own, used for nothing else: `client.duplicate()`. A connection that subscribes takes few other commands.
   * You connect and close it, as you do the first one.
   */
  readonly client: SubscribingClient
}

/** How long to wait before subscribing again where it failed, in ms. */
const RETRY_MS = 1000

/** Hears what is published on a channel: subscribes when somebody listens first, and stays so until the client is closed. */
export function heard(client: SubscribingClient, channel: string): EndingsFeed['onEnding'] {
  const listeners = new Set<(handle: string) => void>()
  const subscribe = subscription(client, channel, (handle) => {
    for (const listener of listeners) {
      try {
        listener(handle)
      } catch {
        // What one listener throws must reach neither the others nor the client, in the middle of reading.
      }
    }
  })
  let subscribed = false
  const open = async (): Promise<void> => {
    if (subscribed || listeners.size === 0) return
    subscribed = true
    await subscribe().catch(() => {
      subscribed = false
      setTimeout(open, RETRY_MS).unref()
    })
  }
  return (listener) => {
    const own = (handle: string): void => listener(handle)
    listeners.add(own)
    void open()
    return () => void listeners.delete(own)
  }
}
