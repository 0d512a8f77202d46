import { ConfigError } from '../errors.ts'
import type { Policy } from '../kernel/policy.ts'
import { type Duration, oneOf, readDuration } from './duration.ts'
import { readFingerprint } from './fingerprint-options.ts'
import type { ManagerOptions, PersistentOptions } from './options.ts'
import { basePolicy, checkPreset } from './presets.ts'

/** The times and verdicts of the options, checked against each other. */
export function readPolicy<Data extends object>(options: ManagerOptions<Data>, storeTimeoutMs: number): Policy {
  const base = basePolicy(options.preset)
  const absoluteMs = readDuration(options.absolute ?? base.absoluteMs, 'absolute')
  const usual = base.idleMs === null ? false : Math.min(base.idleMs, absoluteMs)
  const idleMs = readIdle(options.idle ?? usual, 'idle')
  const overlapMs = readDuration(options.overlap ?? base.overlapMs, 'overlap')
  const clockSkewMs = readDuration(options.clockSkew ?? base.clockSkewMs, 'clockSkew')
  checkDeadlines(idleMs, absoluteMs)
  const persistent = readPersistent(options.persistent, base, idleMs, absoluteMs)
  if (overlapMs < 2 * clockSkewMs + storeTimeoutMs) {
    throw new ConfigError(
      `\`overlap\` (${overlapMs} ms) must be at least 2 × clockSkew + storeTimeout (${2 * clockSkewMs + storeTimeoutMs} ms), or requests in flight during a rotation would be taken for theft.`,
    )
  }
  const shortestMs = Math.min(idleMs ?? 27_000_000, persistent.persistentIdleMs ?? Number.POSITIVE_INFINITY)
  const touchEveryMs =
    options.touchEvery === undefined ? Math.floor(shortestMs / 30) : readDuration(options.touchEvery, 'touchEvery')
  for (const [name, ms] of [['idle', idleMs] as const, ['persistent.idle', persistent.persistentIdleMs] as const]) {
    if (ms !== null && touchEveryMs >= ms) throw new ConfigError(`\`touchEvery\` must be shorter than \`${name}\`.`)
  }
  const policy: Policy = {
    idleMs,
    absoluteMs,
    ...persistent,
    rotateEveryMs:
      options.rotateEvery === false
        ? null
        : readDuration(options.rotateEvery ?? (base.rotateEveryMs as number), 'rotateEvery'),
    overlapMs,
    touchEveryMs,
    clockSkewMs,
    retainEndedMs: readDuration(options.retainEnded ?? base.retainEndedMs, 'retainEnded'),
    onIdle: oneOf(options.onIdle, ['end', 'lock'], 'onIdle'),
    fingerprint: readFingerprint(options.fingerprint, base.fingerprint),
    ipBinding: oneOf(options.ipBinding, ['off', 'prefix', 'exact'], 'ipBinding'),
  }
  checkPreset(options.preset, policy)
  return policy
}

type Persistent = Pick<Policy, 'persistentIdleMs' | 'persistentAbsoluteMs'>

/** Never shorter than the other deadlines unless told to; where they are forbidden, those hold for what is left of them. */
function readPersistent(
  options: PersistentOptions | false = {},
  base: Policy,
  idleMs: number | null,
  absoluteMs: number,
): Persistent {
  if (options === false) return { persistentIdleMs: idleMs, persistentAbsoluteMs: absoluteMs }
  if (typeof options !== 'object' || options === null) {
    throw new ConfigError("`persistent` must be an object, like { idle: '14d', absolute: '30d' }, or false.")
  }
  const unknown = Object.keys(options).find((name) => !['idle', 'absolute'].includes(name))
  if (unknown !== undefined) {
    throw new ConfigError(`\`persistent.${unknown}\` is no option. There are: idle, absolute.`)
  }
  const longest = Math.max(base.persistentAbsoluteMs, absoluteMs)
  const persistentAbsoluteMs = readDuration(options.absolute ?? longest, 'persistent.absolute')
  const usual = Math.max(base.persistentIdleMs as number, idleMs ?? 0) // no preset goes without one
  const persistentIdleMs = readIdle(
    options.idle ?? (idleMs === null ? false : Math.min(usual, persistentAbsoluteMs)),
    'persistent.idle',
  )
  checkDeadlines(persistentIdleMs, persistentAbsoluteMs, 'persistent.')
  return { persistentIdleMs, persistentAbsoluteMs }
}

function readIdle(idle: Duration | false, name: string): number | null {
  return idle === false ? null : readDuration(idle, name)
}

function checkDeadlines(idleMs: number | null, absoluteMs: number, whose = ''): void {
  const [idle, absolute] = [`\`${whose}idle\``, `\`${whose}absolute\``]
  if (absoluteMs === 0) throw new ConfigError(`${absolute} must be longer than 0.`)
  if (idleMs === 0) throw new ConfigError(`${idle} must be longer than 0; use \`false\` for no idle timeout.`)
  if (idleMs !== null && idleMs > absoluteMs) throw new ConfigError(`${idle} must not be longer than ${absolute}.`)
}
