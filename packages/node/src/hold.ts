import { type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Readable } from 'node:stream'
import { HeldResponse, type Method, type Methods, NAMES } from './held-response.ts'
import { coded, streamOf } from './node-response.ts'

/** What an adapter does at the turning points of one response. */
export interface HoldHooks {
  /**
   * Called synchronously, once, when the head is about to leave, with the status it will have. `undefined`: nothing to
   * wait for, synchronous pass-through. A rejection (or throw) discards the response, whatever the handler has written,
   * and goes to `fail`. The hold has no timeout of its own: the promise must settle.
   */
  commit(status: number): Promise<void> | undefined
  /**
   * Called synchronously right before the head is stored, after the commit has settled (or when there was nothing to
   * commit): adds headers through setHeader/appendHeader, and can read with getHeader what the application gave to
   * `writeHead`. Not called for a failed commit. appendHeader is safe for Set-Cookie; merge others with setHeader.
   */
  headers(res: ServerResponse): void
  /**
   * Called at `end()` when the head has already left: late changes. `undefined`: nothing. Otherwise `end()` is held
   * until it settles; a rejection goes to `fail` with `res.headersSent` true, where frameworks destroy the socket. Not
   * called for a response that is cut before its `end()`: that is for a 'close' listener.
   */
  finish(): Promise<void> | undefined
  /**
   * A failed commit: hands the error to the framework's error handler, `next(error)`. The response is blank again but
   * for the headers set before `hold()`, and does not commit again. With `res.headersSent` (late changes, or a body that
   * Node refused) it has to end or destroy the response. Also called when the client has gone. If it throws: bare 500.
   */
  fail(error: unknown): void
}

const BYPASS = 'A session commit is due: answer with res.writeHead/write/end, not with res.stream.respond'
/** On a response: what holds it. Dear where a prototype was swapped (Express), but a WeakMap is three times as dear there. */
const HELD = Symbol('sess.held')
type Holding = ServerResponse & { [HELD]?: HeldResponse }
/** On a patched prototype: the methods beneath the patch. */
const STOCK = Symbol('sess.stock')

/**
 * Holds the first byte of a response until the session commit has settled. Call it at once, before anything is awaited or
 * written: mount it after CORS and helmet, before compression. Several holds on one response are consulted in the order they were made;
 * the head leaves when all have settled, and the first of them that failed fails the response.
 *
 * Not covered: writes to `res.socket`, and `res.stream.respond*` of http2, which throws `ERR_SESS_HOLD_BYPASS` if
 * a commit is due and else leaves without `hooks.headers`.
 */
export function hold(response: ServerResponse | Http2ServerResponse, hooks: HoldHooks): void {
  const res = response as ServerResponse // the compat response has the same methods
  const known = heldOf(res)
  if (known !== undefined) {
    known.hooks.push(hooks)
    return
  }
  const ready = (res as { [STOCK]?: Methods })[STOCK] // only a patched prototype has it
  const shared = ready ?? stockOfPrototype(res)
  // The first time, middleware mounted before us may have wrapped what the prototype was before the patch.
  const early = ready === undefined && NAMES.some((name) => Object.hasOwn(res, name))
  const layer = shared === undefined || early ? patch(res) : shared
  const held = new HeldResponse(res, layer, hooks, layer === shared)
  const holding = res as Holding
  holding[HELD] = held
  if (shared === undefined) guardStream(res, held)
  res.on('pipe', onPipe)
}

/**
 * Own properties on a response whose prototype was swapped (Express) cost 17–31 µs a request, so there a prototype is
 * patched, once: the topmost one below Node's, because an application that is used as a plain handler
 * (`router.use(app)`) puts its own `app.response` on the response, which shares only that one with ours. Node's
 * prototypes are never touched: plain responses are patched one by one, which is cheap there.
 */
function stockOfPrototype(res: ServerResponse): Methods | undefined {
  let topmost: object | undefined
  let proto: object | null = Object.getPrototypeOf(res)
  while (proto !== null && proto !== ServerResponse.prototype) {
    topmost = proto
    proto = Object.getPrototypeOf(proto)
  }
  if (proto === null || topmost === undefined) return undefined // http2, or node:http itself
  const stock = patch(topmost as ServerResponse) // it inherits the methods
  Object.defineProperty(topmost, STOCK, { value: stock })
  return stock
}

function patch(target: ServerResponse): Methods {
  const methods = target as unknown as Methods & { writeHeader: Method } // arguments are handed on as they came
  const { writeHead, write, end, flushHeaders } = methods
  const layer: Methods = { writeHead, write, end, flushHeaders }
  for (const name of NAMES) {
    const stock = layer[name]
    methods[name] = function (...args) {
      const held = heldOf(this)
      if (held?.stock !== layer || (held.phase === 'pass' && name !== 'end')) return stock.apply(this, args)
      return held.call(name, args)
    }
  }
  methods.writeHeader = methods.writeHead // Node's own alias
  return layer
}

function guardStream(res: ServerResponse, held: HeldResponse): void {
  const stream = streamOf(res)
  if (stream === undefined) return
  for (const name of ['respond', 'respondWithFD', 'respondWithFile'] as const) {
    const stock = stream[name] as (...args: unknown[]) => void // handed on as they came
    const guarded = (...args: unknown[]): void => {
      const headers = args[name === 'respond' ? 0 : 1] as OutgoingHttpHeaders | undefined // by their signatures
      if (!held.mayBypass(Number(headers?.[':status'] ?? 200))) throw coded(new Error(BYPASS), 'ERR_SESS_HOLD_BYPASS')
      stock.apply(stream, args)
    }
    Object.assign(stream, { [name]: guarded })
  }
}

function heldOf(res: ServerResponse): HeldResponse | undefined {
  return (res as Holding)[HELD] // only hold() writes it
}

function onPipe(this: ServerResponse, source: Readable): void {
  heldOf(this)?.sources.push(source)
}
