import type { StandardSchemaV1 } from '@standard-schema/spec'
import { ConfigError, ValueError } from '../errors.ts'
import { type Fragments, splitFragments } from './document.ts'
import { checkValue } from './value.ts'

/**
 * How values become text: `JSON`, or anything with its two methods (devalue, superjson …). The same value must give the same
 * text each time, so encryption does not belong here.
 */
export interface Codec {
  stringify(value: unknown): string
  parse(text: string): unknown
}

/** What to do with stored data that does not fit the schema: forget it, end the session, or throw where it is read. */
export type OnInvalid = 'drop' | 'end' | 'throw'

/** The options that say what `session.data` may hold and how it is written down. */
export interface DataOptions {
  readonly codec?: Codec
  readonly schema?: StandardSchemaV1
  readonly onInvalid?: OnInvalid
  readonly version?: number
  readonly migrate?: (data: Record<string, unknown>, from: number) => Record<string, unknown>
}

/** Data opened for one request. `baseline` is set when the view differs from the stored text before anybody changed it. */
export interface Opened {
  readonly view: Record<string, unknown>
  readonly baseline?: Fragments
}

/** Thrown while data is opened under `onInvalid: 'end'`; the session turns it into an end. */
export class InvalidDataSignal extends Error {}

/** Name under which the data's version is kept in `record.extra`. */
export const VERSION_KEY = 'sess/data-version'

/** How the application's data is encoded, decoded, upgraded and validated: the {@link DataOptions}, ready to use. */
export class DataShape {
  readonly #codec: Codec | undefined
  readonly #schema: StandardSchemaV1 | undefined
  readonly #onInvalid: OnInvalid
  readonly #migrate: DataOptions['migrate']
  /** The version that new data is written with, as kept in `record.extra`. */
  readonly version: string | undefined

  constructor(options: DataOptions) {
    this.#codec = options.codec
    this.#schema = options.schema
    this.#onInvalid = options.onInvalid ?? 'throw'
    this.#migrate = options.migrate
    this.version = options.version === undefined ? undefined : String(options.version)
  }

  /** Whether values are written down as they are. */
  get isJson(): boolean {
    return this.#codec === undefined
  }

  open(text: string, version: string | undefined): Opened {
    const stored = this.#read(text)
    if (stored === null) return { view: plain({}), baseline: splitFragments(text) }
    const view = this.#upgrade(stored, text, version)
    const migrated = view === stored ? {} : { baseline: splitFragments(text) }
    if (this.#schema === undefined || text === '') return { view, ...migrated }
    const result = this.#run(view)
    if (result.issues === undefined) {
      const shaped = plain(result.value as Record<string, unknown>)
      return { view: shaped, baseline: this.encode(shaped), ...migrated }
    }
    this.#refuse(invalid(result.issues, 'the stored value does not fit the schema'))
    return { view: plain({}), baseline: splitFragments(text) }
  }

  /** The stored data; null for what cannot be read and is to be forgotten. */
  #read(text: string): Record<string, unknown> | null {
    try {
      return this.#decode(text)
    } catch (error) {
      this.#refuse(new ValueError('', 'the stored data cannot be decoded', { cause: error }))
      return null
    }
  }

  /** What `onInvalid` says: nothing for data to be forgotten. */
  #refuse(error: ValueError): void {
    if (this.#onInvalid === 'end') throw new InvalidDataSignal()
    if (this.#onInvalid === 'throw') throw error
  }

  /** The version to write beside data that bears `stored`: a newer one stays, so that nothing is migrated twice. */
  stampOver(stored: string | undefined): string | undefined {
    return stored !== undefined && Number(stored) > Number(this.version) ? stored : this.version
  }

  /** Refuses data that does not fit the schema. */
  validate(view: Record<string, unknown>): void {
    if (this.#schema === undefined) return
    const result = this.#run({ ...view })
    if (result.issues !== undefined) throw invalid(result.issues, 'the value does not fit the schema')
  }

  /** Refuses a text that merging made, if it does not fit the schema: each part of it did. */
  validateMerged(text: string): void {
    if (this.#schema !== undefined && text !== '') this.validate(this.#decode(text))
  }

  /** The view in fragments, those that are `known` as they are. */
  encode(view: Record<string, unknown>, known: Fragments = new Map()): Fragments {
    const fragments: Fragments = new Map()
    for (const key of Object.keys(view)) {
      const text = known.get(key) ?? this.encodeValue(view[key], key)
      if (text !== null) fragments.set(key, text)
    }
    return fragments
  }

  encodeValue(value: unknown, key: string): string | null {
    if (value === undefined) return null
    try {
      if (this.#codec !== undefined) return encodeWith(this.#codec, value, key)
      checkValue(value, key)
      return JSON.stringify(value)
    } catch (error) {
      if (error instanceof ValueError) throw error
      const problem = error instanceof RangeError ? 'the value is nested too deeply' : 'the value cannot be encoded'
      throw new ValueError(key, problem, { cause: error })
    }
  }

  decodeValue(text: string | null): unknown {
    if (text === null) return undefined
    const value: unknown = JSON.parse(text)
    return this.#codec === undefined ? value : this.#codec.parse(value as string)
  }

  #decode(text: string): Record<string, unknown> {
    if (text === '') return plain({})
    const stored = plain(JSON.parse(text) as Record<string, unknown>)
    if (this.#codec === undefined) return stored
    for (const key of Object.keys(stored)) stored[key] = this.#codec.parse(stored[key] as string)
    return stored
  }

  #upgrade(stored: Record<string, unknown>, text: string, version: string | undefined): Record<string, unknown> {
    if (this.#migrate === undefined || this.version === undefined || text === '') return stored
    const from = Number(version ?? 0)
    return from < Number(this.version) ? plain(this.#migrate({ ...stored }, from)) : stored
  }

  #run(view: Record<string, unknown>): StandardSchemaV1.Result<unknown> {
    const result = (this.#schema as StandardSchemaV1)['~standard'].validate({ ...view })
    if (result instanceof Promise)
      throw new ConfigError('`schema` validates asynchronously; session data needs a synchronous schema.')
    return result
  }
}

function encodeWith(codec: Codec, value: unknown, key: string): string {
  const text: unknown = codec.stringify(value)
  if (typeof text !== 'string') throw new ValueError(key, 'the codec gives no text for the value')
  return JSON.stringify(text)
}

/** Without a prototype, so that a key named `__proto__` or `constructor` is a key like any other. */
function plain(value: Record<string, unknown>): Record<string, unknown> {
  const copy = Object.create(null) as Record<string, unknown>
  for (const key of Object.keys(value)) copy[key] = value[key]
  return copy
}

function invalid(issues: readonly StandardSchemaV1.Issue[], problem: string): ValueError {
  const issue = issues[0]
  const path = (issue?.path ?? [])
    .map((segment) => String(typeof segment === 'object' ? segment.key : segment))
    .join('.')
  return new ValueError(path, `${problem}: ${issue?.message ?? 'unknown issue'}`)
}
