import type { BundleSize } from './bundle-size.ts'
import type { Counted, StoreCalls } from './counts.ts'
import type { JsonPasses } from './json-passes.ts'
import type { Expired, Held } from './memory.ts'
import type { Profiled } from './profile.ts'
import type { Timed } from './rounds.ts'
import type { FrameworkName } from './subject.ts'
import type { Throughput } from './throughput.ts'

/** What `--json` prints. Parts that `--only` leaves out are missing. */
export interface SpeedReport {
  readonly date: string
  readonly machine: string
  readonly node: string
  readonly versions: Readonly<Record<string, string>>
  /** How many processes wanted to run per core, over the minute before the beginning and before the end. */
  readonly load: readonly [before: number, after: number]
  readonly rounds: number
  /** Milliseconds of CPU time that a cell got per round. */
  readonly ms: number
  readonly cells?: readonly Timed[]
  readonly profile?: readonly Profiled[]
  readonly counted?: readonly Counted[]
  readonly storeCalls?: Readonly<Partial<Record<FrameworkName, StoreCalls>>>
  /** Microseconds to parse and to encode 20 KB of data. */
  readonly json?: { readonly parse: number; readonly encode: number }
  readonly jsonPasses?: JsonPasses
  readonly throughput?: readonly Throughput[]
  readonly held?: readonly Held[]
  readonly expired?: Expired
  readonly bundle?: BundleSize
}
