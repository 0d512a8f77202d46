import { channel } from 'node:diagnostics_channel'
import type { SessionEventType, Sessions } from '@sess/core'

/**
 * Publishes events on `node:diagnostics_channel`, each on a channel called `sess:` and its type: `sess:signed-in`,
 * `sess:token-refused` … Of the types given; default `'*'`, which is all but those that come with ordinary requests. Returns
 * the function that stops it.
 *
 * @example
 * ```ts
 * publishEvents(sessions)
 * subscribe('sess:ended', (event) => log(event))
 * ```
 */
export function publishEvents(
  sessions: Pick<Sessions<object>, 'on'>,
  ...types: readonly (SessionEventType | '*')[]
): () => void {
  const stops = (types.length === 0 ? (['*'] as const) : types).map((type) =>
    sessions.on(type, (event) => channel(`sess:${event.type}`).publish(event)),
  )
  return () => {
    for (const stop of stops) stop()
  }
}
