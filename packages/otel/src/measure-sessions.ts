import { type Meter, metrics } from '@opentelemetry/api'
import type { SessEvent, Sessions } from '@sess/core'
import { InUse } from './in-use.ts'
import { seconds } from './seconds.ts'

/** Options of {@link measureSessions}. */
export interface MeasureOptions {
  /** Default `metrics.getMeter('@sess/otel')` of the global provider as it is when this is called. */
  readonly meter?: Meter
  /** How long after its last request a signed-in session still counts as in use, in ms; default 30 minutes, like `idle`. */
  readonly inUseForMs?: number
}

/**
 * Records what happens to sessions: `sess.session.events` (counted by `sess.event.type` and, where there is one,
 * `sess.event.reason`), `sess.session.open.duration` and `sess.session.commit.duration` (by `sess.outcome`), and
 * `sess.session.in_use`: the signed-in sessions that this process has seen a request of within `inUseForMs` and has not seen
 * end. No handle and no subject is an attribute. Returns the function that stops it.
 */
export function measureSessions(sessions: Pick<Sessions<object>, 'on'>, options: MeasureOptions = {}): () => void {
  const { meter = metrics.getMeter('@sess/otel'), inUseForMs = 30 * 60_000 } = options
  const events = meter.createCounter('sess.session.events', {
    description: 'What happened to sessions: transitions and refusals.',
    unit: '{event}',
  })
  const opening = meter.createHistogram('sess.session.open.duration', seconds('How long opening requests takes.'))
  const commits = meter.createHistogram('sess.session.commit.duration', seconds('How long commits take.'))
  const stops = [
    sessions.on('*', (event) => events.add(1, attributesOf(event))),
    sessions.on('opened', ({ durationMs, outcome }) => opening.record(durationMs / 1000, { 'sess.outcome': outcome })),
    sessions.on('committed', ({ durationMs, outcome }) =>
      commits.record(durationMs / 1000, { 'sess.outcome': outcome }),
    ),
    countInUse(sessions, meter, inUseForMs),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

function countInUse(sessions: Pick<Sessions<object>, 'on'>, meter: Meter, forMs: number): () => void {
  const inUse = new InUse(forMs)
  const gauge = meter.createObservableUpDownCounter('sess.session.in_use', {
    description: 'Signed-in sessions with a request in this process lately.',
    unit: '{session}',
  })
  const observe = (result: { observe(value: number): void }) => result.observe(inUse.size)
  gauge.addCallback(observe)
  const drop = ({ handle }: { readonly handle: string | null }) => inUse.delete(String(handle))
  const stops = [
    sessions.on('opened', ({ outcome, handle }) => outcome === 'authenticated' && inUse.add(String(handle))),
    sessions.on('signed-in', ({ handle }) => inUse.add(String(handle))),
    sessions.on('reauthenticated', ({ handle }) => inUse.add(String(handle))),
    ...(['ended', 'locked', 'expired', 'evicted'] as const).map((type) => sessions.on(type, drop)),
  ]
  return () => {
    gauge.removeCallback(observe)
    for (const stop of stops) stop()
  }
}

function attributesOf(event: SessEvent): Record<string, string> {
  const reason = 'reason' in event ? { 'sess.event.reason': event.reason } : {}
  return { 'sess.event.type': event.type, ...reason }
}
