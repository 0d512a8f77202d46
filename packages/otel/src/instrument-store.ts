import { type Attributes, type Histogram, type Meter, metrics } from '@opentelemetry/api'
import type { SessionStore } from '@sess/core'
import { seconds } from './seconds.ts'

/** Operations that are timed. The others (scans, subscriptions) are passed on: how long they last says nothing. */
const TIMED: ReadonlySet<string | symbol> = new Set(['get', 'create', 'replace', 'touch', 'admit', 'prune'])

/**
 * A store that measures the one it wraps, and has every power of it. Records `sess.store.operation.duration` with the
 * operation (`sess.store.operation.name`), what came of it (`sess.store.outcome`: `ok`, `missing`, `exists`, `conflict`,
 * `refused`, `error`) and the kind of error (`error.type`). No handle and no subject is an attribute.
 *
 * @param meter default `metrics.getMeter('@sess/otel')` of the global provider as it is when this is called
 */
export function instrumentStore<Store extends SessionStore>(
  store: Store,
  meter: Meter = metrics.getMeter('@sess/otel'),
): Store {
  const durations = meter.createHistogram(
    'sess.store.operation.duration',
    seconds('How long operations of the session store take.'),
  )
  const wrapped = new Map<string | symbol, unknown>()
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const known = wrapped.get(name) ?? wrap(target, value as Method, name, durations)
      wrapped.set(name, known)
      return known
    },
  })
}

type Method = (...args: unknown[]) => unknown

/** On the store itself, for its private fields. */
function wrap(store: SessionStore, method: Method, name: string | symbol, durations: Histogram): Method {
  if (!TIMED.has(name)) return (...args) => method.apply(store, args)
  return async (...args) => {
    const from = performance.now()
    const record = (attributes: Attributes) =>
      durations.record((performance.now() - from) / 1000, { 'sess.store.operation.name': String(name), ...attributes })
    try {
      const answer = await method.apply(store, args)
      record({ 'sess.store.outcome': outcome(name, answer) })
      return answer
    } catch (error) {
      record({ 'sess.store.outcome': 'error', 'error.type': errorType(error) })
      throw error
    }
  }
}

function outcome(name: string | symbol, answer: unknown): string {
  if (answer === null) return 'missing'
  if (answer === false) return name === 'create' ? 'exists' : 'missing'
  const { ok } = Object(answer) as { ok?: unknown }
  if (ok === false) return name === 'admit' ? 'refused' : 'conflict'
  return 'ok'
}

/** @see OpenTelemetry semantic conventions, `error.type`: of low cardinality */
function errorType(error: unknown): string {
  const { code, name } = Object(error) as { code?: unknown; name?: unknown }
  if (typeof code === 'string' && code !== '') return code
  return typeof name === 'string' && name !== '' ? name : '_OTHER'
}
