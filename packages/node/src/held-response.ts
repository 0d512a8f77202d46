import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { HoldHooks } from './hold.ts'
import {
  adoptHead,
  checkChunk,
  coded,
  ownCookies,
  refuseHeader,
  resetHead,
  snapshotHead,
  streamOf,
  type Upstream,
} from './node-response.ts'

export type Name = (typeof NAMES)[number]
export const NAMES = ['writeHead', 'write', 'end', 'flushHeaders'] as const
export type Method = (this: ServerResponse, ...args: unknown[]) => unknown
export type Methods = Record<Name, Method>
type Call = { name: string; args: unknown[]; scope: AsyncResource }
type Failure = { hooks: HoldHooks; error: unknown }
const HEADER_METHODS = ['setHeader', 'appendHeader', 'setHeaders', 'removeHeader']
const LATE_METHODS = ['addTrailers', 'setTrailer', 'createPushResponse']
/** More than any inner highWaterMark: compression moves 'drain' listeners to its own stream, which has to fill up. */
const QUEUE_LIMIT = 65_536
/** Inert until its first run(): a commit that fails under a handler which is still writing. */
const errorPage = new AsyncLocalStorage<HeldResponse>()

/**
 * idle → (a commit is due) holding → ready → pass, or → failed. `ready`: the commit has settled and Node has not stored
 * the head yet. An end() with late changes goes pass → holding → pass.
 */
export class HeldResponse {
  phase: 'idle' | 'holding' | 'ready' | 'pass' | 'failed' = 'idle'
  readonly hooks: HoldHooks[]
  readonly sources: Readable[] = []
  readonly #res: ServerResponse
  /** The methods beneath the layer of patches that this response is held at. */
  readonly stock: Methods
  /** `on` as it was before wrappers mounted after us; undefined: any own one is such a wrapper. */
  readonly #on: ServerResponse['on'] | undefined
  readonly #upstream: Upstream
  #asked: 'nothing' | 'commit' | 'finish' = 'nothing'
  #commit: Promise<Failure | undefined> | undefined
  #calls: Call[] = []
  #size = 0
  #ended = false

  constructor(res: ServerResponse, stock: Methods, hooks: HoldHooks, shared: boolean) {
    this.#res = res
    this.stock = stock
    this.hooks = [hooks]
    this.#on = shared ? undefined : res.on
    this.#upstream = snapshotHead(res)
  }

  /** One call of a method that may send the head or the body. */
  call(name: Name, args: unknown[]): unknown {
    if (this.phase === 'failed') return this.#swallow(name, args, new Error('The response was discarded'))
    if (this.phase === 'holding') return this.#queue(name, args)
    const left = this.phase === 'idle' ? this.#begin(name, args) : args
    if (this.phase === 'pass' && name === 'end' && this.#asked !== 'finish') this.#hold(this.#ask('finish', 0))
    // The cast: begin() and hold() change the phase, which narrowing does not see.
    if ((this.phase as string) === 'holding') return this.#enqueue(name, left)
    if (this.phase === 'ready' && name === 'writeHead') return this.#storeHead(left)
    return this.stock[name].apply(this.#res, left)
  }

  /** The head is about to leave past the held methods: false where a commit is due, which that would not wait for. */
  mayBypass(status: number): boolean {
    if (this.phase === 'idle' && this.#due(status) === undefined) this.phase = 'pass'
    return this.phase !== 'idle' && this.phase !== 'holding'
  }

  #begin(name: Name, args: unknown[]): unknown[] {
    const res = this.#res
    const status = Number(name === 'writeHead' ? args[0] : res.statusCode) | 0
    if (res.headersSent) this.phase = 'pass' // it left by a way that is not watched
    if (res.headersSent || status < 100 || status > 999) return args // Node refuses such a status
    const left = name === 'writeHead' ? adoptHead(res, args) : args
    checkChunk(name, args)
    this.#hold(this.#due(status), 'ready')
    return left
  }

  /** Asks for the commit once: after a bypass that was refused, the error page waits for the same one. */
  #due(status: number): Promise<Failure | undefined> | undefined {
    if (this.#asked === 'nothing') this.#commit = this.#ask('commit', status)
    return this.#commit
  }

  #ask(what: 'commit' | 'finish', status: number): Promise<Failure | undefined> | undefined {
    this.#asked = what
    const waits: Promise<Failure | undefined>[] = []
    for (const hooks of this.hooks) {
      const failed = (error: unknown): Failure => ({ hooks, error })
      try {
        const wait = what === 'commit' ? hooks.commit(status) : hooks.finish()
        if (wait !== undefined) waits.push(wait.then(() => undefined, failed))
      } catch (error) {
        waits.push(Promise.resolve(failed(error)))
      }
    }
    return waits.length === 0
      ? undefined
      : Promise.all(waits).then((all) => all.find((failure) => failure !== undefined))
  }

  #storeHead(args: unknown[]): unknown {
    const left = adoptHead(this.#res, args)
    this.phase = 'pass' // first: should a hook throw, the error page leaves without them
    ownCookies(this.#res)
    for (const hooks of this.hooks) hooks.headers(this.#res)
    return this.stock.writeHead.apply(this.#res, left)
  }

  /** Holds until `due` has settled; where nothing is due the response goes on in the phase `next`. */
  #hold(due: Promise<Failure | undefined> | undefined, next: 'ready' | 'pass' = 'pass'): void {
    const res = this.#res
    this.phase = due === undefined ? next : 'holding'
    if (due === undefined) return
    const { statusCode } = res
    // The getter of http2 emits a process warning.
    const frozen = streamOf(res) ? { statusCode } : { statusCode, statusMessage: res.statusMessage }
    const unshadow = shadow(res, this.#shadows())
    due.then((failure) => {
      unshadow()
      if (!res.headersSent) Object.assign(res, frozen)
      if (failure === undefined) this.#release()
      else this.#fail(failure)
    })
  }

  #shadows(): PropertyDescriptorMap {
    const shadows: PropertyDescriptorMap = {
      headersSent: { get: () => true },
      writableEnded: { get: () => this.#ended },
      writableNeedDrain: { get: () => this.#size >= QUEUE_LIMIT && !this.#ended },
    }
    for (const name of HEADER_METHODS) shadows[name] = { value: refuseHeader }
    for (const name of LATE_METHODS) {
      if (name in this.#res) shadows[name] = { value: (...args: unknown[]) => this.#queue(name, args) }
    }
    return shadows
  }

  #queue(name: string, args: unknown[]): unknown {
    if (this.#ended) return this.#swallow(name, args, coded(new Error('write after end'), 'ERR_STREAM_WRITE_AFTER_END'))
    if (name === 'writeHead') {
      if (args.length === 1 && args[0] === this.#res.statusCode) return this.#res // old compression reads `_header`
      return refuseHeader()
    }
    checkChunk(name, args)
    return this.#enqueue(name, args)
  }

  #enqueue(name: string, args: unknown[]): unknown {
    this.#calls.push({ name, args, scope: new AsyncResource('SessHold') })
    if (name === 'end') this.#ended = true
    if (name !== 'write') return this.#res
    this.#size += (args[0] as string | Uint8Array).length // checkChunk has seen it
    return this.#size < QUEUE_LIMIT
  }

  /** A dead call: no effect, no 'error' event, and a source that goes on writing is let run out. */
  #swallow(name: string, args: unknown[], error: unknown): unknown {
    const callback = args.find((arg) => typeof arg === 'function')
    if (callback !== undefined) process.nextTick(callback as (error: unknown) => void, error)
    return name === 'write' ? this.phase === 'failed' : this.#res
  }

  #release(): void {
    const res = this.#res
    const starved = this.#size >= QUEUE_LIMIT
    const calls = this.#drop()
    let full = false
    this.phase = res.headersSent ? 'pass' : 'ready' // before the replay: Node's end() calls this.writeHead
    try {
      for (let next = calls.shift(); next !== undefined; next = calls.shift()) {
        const { name, args, scope } = next
        const method =
          name in this.stock ? this.call.bind(this, name as Name, args) : Reflect.get(res, name).bind(res, ...args)
        full = scope.runInAsyncScope(method) === false || full
      }
      // Node emits 'drain' itself if one of its own writes was refused.
      if (starved && !full && !res.writableEnded) process.nextTick(() => res.emit('drain'))
    } catch (error) {
      this.#calls = calls
      this.#fail({ hooks: this.hooks[0] as HoldHooks, error }) // a response has at least one
    }
  }

  #drop(): Call[] {
    this.#size = 0
    return this.#calls.splice(0)
  }

  #fail({ hooks, error }: Failure): void {
    const res = this.#res
    for (const { name, args, scope } of this.#drop()) scope.runInAsyncScope(() => this.#swallow(name, args, error))
    this.#asked = 'finish'
    if (res.headersSent) this.phase = 'pass'
    else this.#discard(error)
    const answer = (): void => {
      try {
        hooks.fail(error)
      } catch {
        if (!res.headersSent) res.writeHead(500).end()
        else if (!res.writableEnded) res.destroy()
      }
    }
    if (this.phase === 'pass' || this.#ended) answer()
    else errorPage.run(this, answer)
  }

  /** Blanks the response. The held methods die, for others still have them; the error page gets new ones. */
  #discard(error: unknown): void {
    const res = this.#res
    this.phase = 'failed'
    for (const source of this.sources) source.unpipe(res)
    resetHead(res, this.#upstream)
    if (this.#on !== undefined) res.on = this.#on
    else Reflect.deleteProperty(res, 'on')
    // A handler that has not ended may still write: only what runs on behalf of fail() gets through.
    const gated = !this.#ended
    let closed = false
    for (const name of NAMES) {
      const method = (...args: unknown[]): unknown => {
        if (closed || (gated && errorPage.getStore() !== this)) return this.#swallow(name, args, error)
        const result = this.stock[name].apply(res, args)
        closed ||= name === 'end'
        return result
      }
      Object.assign(res, { [name]: method })
    }
  }
}

/** Hides properties until the returned function is called. */
function shadow(target: object, shadows: PropertyDescriptorMap): () => void {
  const before = Object.keys(shadows).map((name) => [name, Object.getOwnPropertyDescriptor(target, name)] as const)
  for (const name in shadows) Object.defineProperty(target, name, { ...shadows[name], configurable: true })
  return () => {
    for (const [name, own] of before) {
      if (own) Object.defineProperty(target, name, own)
      else Reflect.deleteProperty(target, name)
    }
  }
}
