import type { Fingerprint } from '../kernel/record.ts'
import type { Client } from '../manager/client.ts'
import type { ClientSettings, Locate, NetworkInfo } from '../manager/fingerprint-options.ts'
import { placeOf } from './address.ts'
import { headerOf, type RequestFacts } from './facts.ts'
import { reducePortrait, type SelfPortrait } from './user-agent.ts'

/** How much of one header is looked at, in characters. */
const MAX_LENGTH = 512
/** How many different browsers, and how many addresses, are remembered. */
const REMEMBERED = 1000
/** How many of one User-Agent: with other languages, mostly. */
const VARIANTS = 8

interface Reduced {
  readonly portrait: SelfPortrait
  readonly classes: Fingerprint
}

/** Reads what requests show of their clients. Browsers repeat themselves, so what was reduced once is remembered. */
export class ClientReader {
  readonly settings: ClientSettings
  readonly #reduced = new Map<string, Reduced[]>()
  readonly #located = new Map<string, NetworkInfo | null>()

  constructor(settings: ClientSettings) {
    this.settings = settings
  }

  /** The client of one request; null if nothing of it is looked at. Nothing is read before it is asked for. */
  read(facts: RequestFacts): Client | null {
    return this.settings.address === 'nothing' ? null : new RequestClient(this, facts)
  }

  classesOf(facts: RequestFacts): Fingerprint {
    const userAgent = start(facts, 'user-agent')
    const brands = start(facts, 'sec-ch-ua')
    // Without brands the other hints say nothing.
    const platform = brands === '' ? '' : start(facts, 'sec-ch-ua-platform')
    const mobile = brands === '' ? '' : start(facts, 'sec-ch-ua-mobile')
    const languages = start(facts, 'accept-language')
    const known = remembered(this.#reduced, userAgent, () => [])
    const same = known.find(
      ({ portrait }) =>
        portrait.languages === languages &&
        portrait.brands === brands &&
        portrait.platform === platform &&
        portrait.mobile === mobile,
    )
    if (same !== undefined) return same.classes
    const portrait = { userAgent, brands, platform, mobile, languages }
    const classes = reducePortrait(portrait)
    if (known.unshift({ portrait, classes }) > VARIANTS) known.pop()
    return classes
  }

  locate(address: string): NetworkInfo | null {
    const { locate } = this.settings
    return locate === null ? null : remembered(this.#located, address, () => this.#lookUp(locate, address))
  }

  /** What is known at once. A promise is not waited for: its outcome is there for the next request. */
  #lookUp(locate: Locate, address: string): NetworkInfo | null {
    const learn = (info: NetworkInfo | null | undefined): void => {
      if (this.#located.has(address)) this.#located.set(address, info ?? null)
    }
    try {
      const answer = locate(address) ?? null
      if (!isPromise(answer)) return answer
      answer.then(learn, () => this.#located.delete(address))
    } catch {
      // It knows nothing about this address.
    }
    return null
  }
}

class RequestClient implements Client {
  readonly #reader: ClientReader
  readonly #facts: RequestFacts
  #classes: Fingerprint | null = null

  constructor(reader: ClientReader, facts: RequestFacts) {
    this.#reader = reader
    this.#facts = facts
  }

  get classes(): Fingerprint {
    this.#classes ??= this.#reader.settings.portrait ? this.#reader.classesOf(this.#facts) : {}
    return this.#classes
  }

  places(): Readonly<Record<string, string>> {
    const place = placeOf(this.#facts.ip ?? '')
    if (place === null) return {}
    const { asn, country, relay = false } = this.#reader.locate(place.address) ?? {}
    return {
      ...(!relay && { [place.kind]: place.network }),
      ...(!relay && asn !== undefined && { asn: String(asn) }),
      ...(country !== undefined && { country }),
    }
  }

  address(): string | null {
    return this.#reader.settings.address === 'whole' ? (placeOf(this.#facts.ip ?? '')?.address ?? null) : null
  }

  marks(): Readonly<Record<string, string>> {
    const { portrait, headers } = this.#reader.settings
    const marks: Record<string, string> = {}
    if (portrait && this.classes.browser === undefined && this.classes.os === undefined) {
      marks.agent = start(this.#facts, 'user-agent')
    }
    for (const [name, header] of Object.entries(headers)) marks[name] = start(this.#facts, header)
    return Object.fromEntries(Object.entries(marks).filter(([, value]) => value !== ''))
  }
}

function start(facts: RequestFacts, header: string): string {
  return headerOf(facts, header)?.slice(0, MAX_LENGTH) ?? ''
}

function isPromise<T extends object>(
  answer: T | Promise<T | null | undefined> | null,
): answer is Promise<T | null | undefined> {
  return typeof Object(answer).then === 'function'
}

/** Looks up, or makes and keeps; the oldest go first. */
function remembered<V>(memory: Map<string, V>, key: string, make: () => V): V {
  const known = memory.get(key)
  if (known !== undefined) return known
  const made = make()
  if (memory.size >= REMEMBERED) memory.delete(memory.keys().next().value as string) // there is one
  memory.set(key, made)
  return made
}
