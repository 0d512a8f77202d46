import type { EndingsFeed } from '@sess/core'
import { Listeners } from '@sess/core/store'
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
export function endingsFeed(client: SubscribingClient, channel: string): EndingsFeed {
  let subscribed = false
  let retry: ReturnType<typeof setTimeout> | undefined
  const subscribe = async (): Promise<void> => {
    if (subscribed) return
    subscribed = true
    await send().catch(() => {
      subscribed = false
      retry = setTimeout(subscribe, RETRY_MS)
      retry.unref()
    })
  }
  const listeners = new Listeners(subscribe, () => clearTimeout(retry))
  const send = subscription(client, channel, (handle) => listeners.tell(handle))
  return { onEnding: (listener) => listeners.add(listener) }
}
