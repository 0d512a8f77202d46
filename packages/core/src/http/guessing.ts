import { ConfigError } from '../errors.ts'
import { type Duration, display, readDuration } from '../manager/duration.ts'
import { placeOf } from './address.ts'
import type { RequestFacts } from './facts.ts'

/** When refused tokens of one client are told as guessing. */
export interface GuessingOptions {
  /** How many different tokens, default 20. */
  readonly limit?: number
  /** Within how long, default `'10m'`. */
  readonly window?: Duration
  /** Who counts as one client, default the IPv4 address or the IPv6 /64 of `facts.ip`; undefined: not counted. */
  readonly clientKey?: (facts: RequestFacts) => string | undefined
}

interface Count {
  readonly since: number
  /** Hashes of the different tokens since the last telling. */
  readonly tokens: Set<number>
  told: number
}

/** How many clients are counted at a time; the one that was quiet for longest is forgotten first. */
const CLIENTS = 5000
/** How much of a token is looked at, in characters; ours are shorter. */
const MAX_LENGTH = 128

/**
 * Counts tokens that were refused as forged, malformed or unknown, by client. It only counts: a token that is not ours costs no
 * store call however often it is tried, and a genuine one from the same address has to work, for it may be another user's.
 */
export class GuessCounter {
  readonly #limit: number
  readonly #windowMs: number
  readonly #keyOf: (facts: RequestFacts) => string | undefined
  readonly #counts = new Map<string, Count>()

  constructor(options: GuessingOptions = {}) {
    const { limit = 20, window = '10m', clientKey = clientOf } = checked(options)
    this.#limit = limit
    this.#windowMs = readDuration(window, 'guessing.window')
    this.#keyOf = clientKey
  }

  /** Counts one refused token. Tells the client and its total whenever another `limit` of different ones is full. */
  note(facts: RequestFacts, token: string, now: number): { readonly client: string; readonly tokens: number } | null {
    const client = this.#keyOf(facts)
    if (client === undefined) return null
    const count = this.#countOf(client, now)
    count.tokens.add(hash(token.slice(0, MAX_LENGTH)))
    if (count.tokens.size < this.#limit) return null
    count.told += count.tokens.size
    count.tokens.clear()
    return { client, tokens: count.told }
  }

  #countOf(client: string, now: number): Count {
    const known = this.#counts.get(client)
    const current = known !== undefined && now < known.since + this.#windowMs
    const count = current ? known : { since: now, tokens: new Set<number>(), told: 0 }
    this.#counts.delete(client)
    if (this.#counts.size >= CLIENTS) this.#counts.delete(this.#counts.keys().next().value as string) // there is one
    this.#counts.set(client, count)
    return count
  }
}

function clientOf({ ip = '' }: RequestFacts): string | undefined {
  const place = placeOf(ip)
  if (place === null) return undefined
  return place.kind === '4' ? place.address : `${place.network}::/64`
}

/** FNV-1a: enough to tell a browser that repeats one stale cookie from somebody who tries many. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value
}

function checked(options: GuessingOptions): GuessingOptions {
  if (typeof options !== 'object' || options === null)
    throw new ConfigError('`guessing` must be an object, like { limit: 20 }.')
  const unknown = Object.keys(options).find((name) => !['limit', 'window', 'clientKey'].includes(name))
  if (unknown !== undefined)
    throw new ConfigError(`\`guessing.${unknown}\` is no option. There are: limit, window, clientKey.`)
  const { limit, clientKey } = options
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 1))
    throw new ConfigError(`\`guessing.limit\` is ${display(limit)}; use a positive integer.`)
  if (clientKey !== undefined && typeof clientKey !== 'function')
    throw new ConfigError('`guessing.clientKey` must be a function of the request.')
  return options
}
