import { ConfigError } from '../errors.ts'
import { type Ending, SessionEndedError } from './ending.ts'
import type { Engine } from './engine.ts'
import { callSafely } from './event-hub.ts'
import type { Visit } from './visit.ts'
import { type Watching, watcherOf } from './watcher.ts'

/** Options of `sessions.onEnded()`. */
export interface OnEndedOptions {
  /**
   * Watching counts as activity: the idle deadline moves on, written down every `touchEvery`, until the listener is gone or
   * the absolute deadline comes. Default false.
   */
  readonly keepAlive?: boolean
}

/** Has `listener` told once when a session is over; the function that stops it. */
export function onEnded(
  engine: Engine,
  handle: string,
  listener: (ending: Ending) => unknown,
  { keepAlive = false }: OnEndedOptions,
): () => void {
  if (typeof handle !== 'string' || typeof listener !== 'function') {
    throw new ConfigError(
      'onEnded(handle, listener) needs a handle and a function. session.handle is null while nothing is stored: commit first.',
    )
  }
  const end = (ending: Ending) => void callSafely(() => listener(ending), 'a listener of onEnded()')
  return watcherOf(engine).watch(handle, { end, heard: () => true, keepAlive })
}

const signals = new WeakMap<Visit, { readonly id: string | null; readonly signal: AbortSignal }>()

/** The signal of the session that a visit acts on; the last one it had when it acts on none any more. */
export function signalOf(visit: Visit): AbortSignal {
  const id = visit.record?.id ?? null
  const known = signals.get(visit)
  if (known !== undefined && (id === null || id === known.id)) return known.signal
  const signal = id === null ? new AbortController().signal : watchedSignal(visit.engine, id)
  signals.set(visit, { id, signal })
  return signal
}

/**
 * A signal that follows another is kept by its platform as long as it can be reached or has listeners; so who watches holds
 * the one it follows, and stops when this one is gone.
 */
function watchedSignal(engine: Engine, id: string): AbortSignal {
  const source = new AbortController()
  const signal = AbortSignal.any([source.signal])
  watcherOf(engine).watch(id, follow(source, new WeakRef(signal)))
  return signal
}

function follow(source: AbortController, signal: WeakRef<AbortSignal>): Watching {
  return {
    end: (ending: Ending) => source.abort(new SessionEndedError(ending)),
    heard: () => signal.deref() !== undefined,
    keepAlive: false,
  }
}
