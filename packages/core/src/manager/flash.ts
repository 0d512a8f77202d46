import { joinFragments, splitFragments } from '../data/document.ts'
import type { DataShape } from '../data/shape.ts'
import { ConfigError, ValueError } from '../errors.ts'
import type { SessionRecord } from '../kernel/record.ts'
import { requireWritable } from './intents.ts'
import type { Visit } from './visit.ts'

/** A message to be shown once, encoded. */
export interface Flash {
  readonly key: string
  readonly text: string
}

type Extra = SessionRecord['extra']

/** Name under which messages are kept in `record.extra`, out of the way of the application's data and its schema. */
const FLASH_KEY = 'sess/flash'
/** How many messages of one key wait at most; the oldest go first. */
const MOST = 32

/** Has the next commit keep a message until it is taken. */
export function flash(visit: Visit, key: string, value: unknown): void {
  checkKey(key, 'flash')
  requireWritable(visit, 'flash()')
  visit.pending.flashes.push({ key, text: encode(visit.engine.shape, key, value) })
}

/** The record's extensions with further messages in them. */
export function withFlashes(extra: Extra, flashes: readonly Flash[]): Extra {
  if (flashes.length === 0) return extra
  const kept = splitFragments(extra[FLASH_KEY] ?? '')
  for (const { key, text } of flashes) {
    const waiting: unknown[] = [...listOf(kept.get(key)), JSON.parse(text)]
    kept.set(key, JSON.stringify(waiting.slice(-MOST)))
  }
  return { ...extra, [FLASH_KEY]: joinFragments(kept) }
}

/** The messages that wait under a key, as JSON has them. */
export function waitingIn(extra: Extra, key: string): unknown[] {
  return listOf(splitFragments(extra[FLASH_KEY] ?? '').get(key))
}

/** A list as it is stored; none for a text that is no such list, which nobody but us writes there. */
function listOf(text = '[]'): unknown[] {
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) ? list : []
  } catch {
    return []
  }
}

/** The record's extensions with no messages under a key. */
export function withoutFlashes(extra: Extra, key: string): Extra {
  const { [FLASH_KEY]: text = '', ...others } = extra
  const kept = splitFragments(text)
  kept.delete(key)
  return kept.size === 0 ? others : { ...others, [FLASH_KEY]: joinFragments(kept) }
}

function encode(shape: DataShape, key: string, value: unknown): string {
  const place = 'session.flash()'
  try {
    const text = shape.encodeValue(value, key)
    if (text !== null) return text
  } catch (error) {
    const { path, problem } = error as ValueError // what encodeValue() throws
    throw new ValueError(path, problem, { cause: error, place })
  }
  throw new ValueError(key, 'undefined cannot be stored', { place })
}

/** Throws for a key that is none. */
export function checkKey(key: string, method: 'flash' | 'takeFlash'): void {
  if (typeof key !== 'string') throw new ConfigError(`session.${method}(key) needs a text as key, like 'notice'.`)
}
