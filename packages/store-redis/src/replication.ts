import { ConfigError, StoreAmbiguousError } from '@sess/core'
import { type Acknowledged, isReply, type ReservableClient, run, runAndWait } from './client.ts'
import { get, type Script } from './scripts.ts'

/** How `durability: 'replicated'` is kept. */
export interface ReplicationOptions {
  /**
   * A client of its own, used for nothing else: `client.duplicate()`. WAIT holds up its connection. You connect and close it,
   * as you do the first one.
   */
  readonly client: ReservableClient
  /** How many replicas have to acknowledge. */
  readonly replicas: number
  /** How long to wait for them, in ms; default 1000. Keep it below `storeTimeout`. */
  readonly timeoutMs?: number
}

/** A write of one key. */
type Write = (script: Script, key: string, args: string[], signal: AbortSignal | undefined) => Promise<unknown>

/**
 * Writes that are acknowledged by replicas before they count. They go one by one: what nobody waits for any more when its turn
 * comes is not sent. They reject with a {@link StoreAmbiguousError} when the write was applied and too few replicas said so
 * in time, or when that is not known.
 */
export function replicatedWrites({ client, replicas, timeoutMs = 1000 }: ReplicationOptions): Write {
  for (const [name, value] of Object.entries({ replicas, timeoutMs })) {
    if (Number.isSafeInteger(value) && value > 0) continue
    throw new ConfigError(`redisStore: \`replicated.${name}\` must be a positive integer.`)
  }
  const send = async (script: Script, key: string, args: string[], moved = false): Promise<Acknowledged> => {
    try {
      return await runAndWait(client, script, key, args, [replicas, timeoutMs])
    } catch (error) {
      // The connection broke: even if reading again shows the write, the replicas may not have it.
      if (!isReply(error)) throw new StoreAmbiguousError({ cause: error })
      if (moved || !isReply(error, 'MOVED')) throw error
    }
    // From a pipeline no client learns that a slot has another master, but from a single command.
    await run(client, get, [key], [])
    return send(script, key, args, true)
  }
  let last: Promise<unknown> = Promise.resolve()
  return async (script, key, args, signal) => {
    const turn = last.then(() => {
      signal?.throwIfAborted()
      return send(script, key, args)
    })
    last = Promise.race([turn, aborted(signal)]).catch(() => {})
    const [reply, acknowledged] = await turn
    // What was written answers 1, or 1 first.
    const [first] = [reply].flat()
    // A client that had to connect anew may have sent the write again, and the first time counted: that WAIT knows nothing of it.
    const repeated = first === args[0]
    if (first === 1 ? Number(acknowledged) >= replicas : !repeated) return reply
    const cause = new Error(`The write was acknowledged by ${repeated ? '?' : acknowledged} of ${replicas} replicas.`)
    throw new StoreAmbiguousError({ cause })
  }
}

/** Some clients never answer what a broken connection took with it: that must not stop the others for ever. */
function aborted(signal: AbortSignal | undefined): Promise<unknown> {
  return new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }))
}
