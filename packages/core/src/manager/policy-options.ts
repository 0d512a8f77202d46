import { ConfigError } from '../errors.ts'
import { defaultPolicy, type Policy } from '../kernel/policy.ts'
import { oneOf, readDuration } from './duration.ts'
import type { ManagerOptions } from './options.ts'

/** The times and verdicts of the options, checked against each other. */
export function readPolicy<Data extends object>(options: ManagerOptions<Data>, storeTimeoutMs: number): Policy {
  const absoluteMs = readDuration(options.absolute ?? defaultPolicy.absoluteMs, 'absolute')
  const idleMs = options.idle === false ? null : readDuration(options.idle ?? Math.min(1_800_000, absoluteMs), 'idle')
  const overlapMs = readDuration(options.overlap ?? defaultPolicy.overlapMs, 'overlap')
  const clockSkewMs = readDuration(options.clockSkew ?? defaultPolicy.clockSkewMs, 'clockSkew')
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
  return {
    idleMs,
    absoluteMs,
    rotateEveryMs:
      options.rotateEvery === false
        ? null
        : readDuration(options.rotateEvery ?? (defaultPolicy.rotateEveryMs as number), 'rotateEvery'),
    overlapMs,
    touchEveryMs,
    clockSkewMs,
    retainEndedMs: readDuration(options.retainEnded ?? defaultPolicy.retainEndedMs, 'retainEnded'),
    onIdle: oneOf(options.onIdle, ['end', 'lock'], 'onIdle'),
    fingerprint: oneOf(options.fingerprint, ['observe', 'off', 'lock', 'end'], 'fingerprint'),
  }
}
