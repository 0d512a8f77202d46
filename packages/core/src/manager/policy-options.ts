import { ConfigError } from '../errors.ts'
import type { Policy } from '../kernel/policy.ts'
import { type Duration, oneOf, readDuration } from './duration.ts'
import { readFingerprint } from './fingerprint-options.ts'
import type { ManagerOptions } from './options.ts'
import { basePolicy, checkPreset } from './presets.ts'

/** The times and verdicts of the options, checked against each other. */
export function readPolicy<Data extends object>(options: ManagerOptions<Data>, storeTimeoutMs: number): Policy {
  const base = basePolicy(options.preset)
  const absoluteMs = readDuration(options.absolute ?? base.absoluteMs, 'absolute')
  const idleMs = readIdle(options.idle, base.idleMs, absoluteMs)
  const overlapMs = readDuration(options.overlap ?? base.overlapMs, 'overlap')
  const clockSkewMs = readDuration(options.clockSkew ?? base.clockSkewMs, 'clockSkew')
  if (absoluteMs === 0) throw new ConfigError('`absolute` must be longer than 0.')
  if (idleMs === 0) throw new ConfigError('`idle` must be longer than 0; use `false` for no idle timeout.')
  if (idleMs !== null && idleMs > absoluteMs) throw new ConfigError('`idle` must not be longer than `absolute`.')
  if (overlapMs < 2 * clockSkewMs + storeTimeoutMs) {
    throw new ConfigError(
      `\`overlap\` (${overlapMs} ms) must be at least 2 × clockSkew + storeTimeout (${2 * clockSkewMs + storeTimeoutMs} ms), or requests in flight during a rotation would be taken for theft.`,
    )
  }
  const touchEveryMs =
    options.touchEvery === undefined
      ? Math.floor((idleMs ?? 27_000_000) / 30)
      : readDuration(options.touchEvery, 'touchEvery')
  if (idleMs !== null && touchEveryMs >= idleMs) throw new ConfigError('`touchEvery` must be shorter than `idle`.')
  const policy: Policy = {
    idleMs,
    absoluteMs,
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

function readIdle(idle: Duration | false | undefined, usual: number | null, absoluteMs: number): number | null {
  if (idle === false || (idle === undefined && usual === null)) return null
  return readDuration(idle ?? Math.min(Number(usual), absoluteMs), 'idle')
}
