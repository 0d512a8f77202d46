import { ConfigError, StoreAmbiguousError } from '@sess/core'
import { type Acknowledged, isReply, type ReservableClient, run, runAndWait } from './client.ts'
import * as scripts from './scripts.ts'

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

/** Writes that are acknowledged by replicas before they count. */
export class Replication {
  readonly #client: ReservableClient
  readonly #wait: readonly [replicas: number, ms: number]
  /** The end of the last write. They go one by one: what nobody waits for any more when its turn comes is not sent. */
  #last: Promise<unknown> = Promise.resolve()

  constructor({ client, replicas, timeoutMs = 1000 }: ReplicationOptions) {
    for (const [name, value] of Object.entries({ replicas, timeoutMs })) {
      if (Number.isSafeInteger(value) && value > 0) continue
      throw new ConfigError(`redisStore: \`replicated.${name}\` must be a positive integer.`)
    }
    this.#client = client
    this.#wait = [replicas, timeoutMs]
  }

  /** @throws StoreAmbiguousError when the write was applied and too few replicas said so in time, or when that is not known */
  async write(script: scripts.Script, key: string, args: string[], signal?: AbortSignal): Promise<unknown> {
    const turn = this.#last.then(() => {
      signal?.throwIfAborted()
      return this.#send(script, key, args)
    })
    this.#last = Promise.race([turn, aborted(signal)]).catch(() => {})
    const [reply, acknowledged] = await turn
    const [replicas] = this.#wait
    // A write answers 1, or 1 first; what stands in its way answers with a revision.
    const first = Array.isArray(reply) ? reply[0] : reply
    // A client that had to connect anew may have sent the write again, and the first time counted: that WAIT knows nothing of it.
    const repeated = first === args[0]
    if (first === 1 ? Number(acknowledged) >= replicas : !repeated) return reply
    const cause = new Error(`The write was acknowledged by ${repeated ? '?' : acknowledged} of ${replicas} replicas.`)
    throw new StoreAmbiguousError({ cause })
  }

  async #send(script: scripts.Script, key: string, args: string[], moved = false): Promise<Acknowledged> {
    try {
      return await runAndWait(this.#client, script, key, args, this.#wait)
    } catch (error) {
      // The connection broke: even if reading again shows the write, the replicas may not have it.
      if (!isReply(error)) throw new StoreAmbiguousError({ cause: error })
      if (moved || !isReply(error, 'MOVED')) throw error
    }
    // From a pipeline no client learns that a slot has another master, but from a single command.
    await run(this.#client, scripts.get, [key], [])
    return this.#send(script, key, args, true)
  }
}

/** Some clients never answer what a broken connection took with it: that must not stop the others for ever. */
function aborted(signal: AbortSignal | undefined): Promise<unknown> {
  return new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }))
}
