import { ConfigError } from '../errors.ts'
import { type FingerprintPolicy, fingerprintLevels } from '../kernel/fingerprint.ts'
import { defaultPolicy, type Policy } from '../kernel/policy.ts'
import { oneOf, showDuration } from './duration.ts'

/** Policies that a standard names: NIST SP 800-63B-4's three assurance levels, and OWASP's applications of high value. */
export type Preset = 'aal1' | 'aal2' | 'aal3' | 'highValue'

/** One bound of a preset. */
interface Bound {
  readonly option: string
  /** What the policy has, and what it may have at most, for the message. */
  readonly problem: (policy: Policy) => string | null
  readonly requirement: string
  readonly source: string
}

/** A bound that a policy does not keep. */
export interface Shortfall {
  readonly option: string
  readonly problem: string
  /** Row of docs/security/requirements.md. */
  readonly requirement: string
  readonly source: string
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const NIST = 'NIST SP 800-63B-4'

/** What a preset sets where an option is not given. */
const DEFAULTS: Readonly<Record<Preset, Partial<BasePolicy>>> = {
  aal1: { absoluteMs: 30 * DAY, idleMs: null },
  aal2: deadlines(24 * HOUR, HOUR),
  aal3: deadlines(12 * HOUR, 15 * MINUTE),
  highValue: {
    ...deadlines(4 * HOUR, 5 * MINUTE),
    rotateEveryMs: 5 * MINUTE,
    fingerprint: fingerprintLevels.standard,
  },
}

/** All bounds of all presets, and the only place for them. */
const BOUNDS: Readonly<Record<Preset, readonly Bound[]>> = {
  aal1: [
    longest('absolute', 'absoluteMs', 30 * DAY, 'R048', `${NIST} §2.1.3`),
    longest('persistent.absolute', 'persistentAbsoluteMs', 30 * DAY, 'R048', `${NIST} §2.1.3`),
  ],
  aal2: [
    longest('absolute', 'absoluteMs', 24 * HOUR, 'R049', `${NIST} §2.2.3`),
    longest('idle', 'idleMs', HOUR, 'R049', `${NIST} §2.2.3`),
    longest('persistent.absolute', 'persistentAbsoluteMs', 24 * HOUR, 'R049', `${NIST} §2.2.3`),
    longest('persistent.idle', 'persistentIdleMs', HOUR, 'R049', `${NIST} §2.2.3`),
  ],
  aal3: [
    longest('absolute', 'absoluteMs', 12 * HOUR, 'R050', `${NIST} §2.3.3`),
    longest('idle', 'idleMs', 15 * MINUTE, 'R050', `${NIST} §2.3.3`),
    longest('persistent.absolute', 'persistentAbsoluteMs', 12 * HOUR, 'R050', `${NIST} §2.3.3`),
    longest('persistent.idle', 'persistentIdleMs', 15 * MINUTE, 'R050', `${NIST} §2.3.3`),
    {
      option: 'onIdle',
      problem: ({ onIdle }) =>
        onIdle === 'end' ? null : "is 'lock'; one factor must not reopen a session, so only 'end'",
      requirement: 'R050',
      source: `${NIST} §2.3.3`,
    },
  ],
  highValue: [
    longest('absolute', 'absoluteMs', 8 * HOUR, 'R052', 'OWASP Session Management Cheat Sheet'),
    longest('idle', 'idleMs', 5 * MINUTE, 'R052', 'OWASP Session Management Cheat Sheet'),
    longest('persistent.absolute', 'persistentAbsoluteMs', 8 * HOUR, 'R052', 'OWASP Session Management Cheat Sheet'),
    longest('persistent.idle', 'persistentIdleMs', 5 * MINUTE, 'R052', 'OWASP Session Management Cheat Sheet'),
    {
      option: 'fingerprint',
      problem: ({ fingerprint }) =>
        fingerprint !== null && acts(fingerprint)
          ? null
          : "only reports; use 'standard', 'strict', or a level that acts",
      requirement: 'R102',
      source: 'OWASP ASVS 5.0 8.2.4',
    },
  ],
}

/** What options are read over: a policy that watches clients. */
export interface BasePolicy extends Policy {
  readonly fingerprint: FingerprintPolicy
}

const base: BasePolicy = { ...defaultPolicy, fingerprint: fingerprintLevels.observe }

/** The policy that options are read over. */
export function basePolicy(preset: Preset | undefined): BasePolicy {
  if (preset === undefined) return base
  return { ...base, ...DEFAULTS[oneOf(preset, ['aal1', 'aal2', 'aal3', 'highValue'], 'preset')] }
}

/** What of a preset the policy does not keep. */
export function shortfalls(preset: Preset, policy: Policy): Shortfall[] {
  return BOUNDS[preset].flatMap(({ option, problem, requirement, source }) => {
    const found = problem(policy)
    return found === null ? [] : [{ option, problem: found, requirement, source }]
  })
}

/** Throws for the first bound of the preset that the policy does not keep. */
export function checkPreset(preset: Preset | undefined, policy: Policy): void {
  const [first] = preset === undefined ? [] : shortfalls(preset, policy)
  if (first === undefined) return
  const { option, problem, requirement, source } = first
  throw new ConfigError(`\`${option}\` ${problem} under \`preset: '${preset}'\` (${requirement}: ${source}).`)
}

/** The same for persistent sessions: the preset's bounds hold for these too. */
function deadlines(absoluteMs: number, idleMs: number): Partial<BasePolicy> {
  return { absoluteMs, idleMs, persistentAbsoluteMs: absoluteMs, persistentIdleMs: idleMs }
}

function acts({ reportOnly, lockAt, endAt }: FingerprintPolicy): boolean {
  return !reportOnly && (lockAt !== null || endAt !== null)
}

function longest(
  option: string,
  field: 'idleMs' | 'absoluteMs' | 'persistentIdleMs' | 'persistentAbsoluteMs',
  most: number,
  requirement: string,
  source: string,
): Bound {
  const problem = (policy: Policy): string | null => {
    const ms = policy[field]
    if (ms !== null && ms <= most) return null
    return `is ${ms === null ? 'false' : showDuration(ms)}; at most ${showDuration(most)}`
  }
  return { option, problem, requirement, source }
}
