import type { ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'

/** What stood on a response before the hold: name, value, name, value … */
export type Upstream = readonly [sendDate: boolean, ...headers: unknown[]]

/** Reads the headers one by one: `getHeaders()` costs several times as much. */
export function snapshotHead(res: ServerResponse): Upstream {
  const upstream: [boolean, ...unknown[]] = [res.sendDate]
  for (const name of res.getHeaderNames()) {
    const value = res.getHeader(name)
    upstream.push(name, Array.isArray(value) ? value.slice() : value) // appendHeader pushes into the stored array
  }
  return upstream
}

/** Takes the head back to the snapshot: the error page must not inherit status, framing or cookies of what failed. */
export function resetHead(res: ServerResponse, [sendDate, ...headers]: Upstream): void {
  for (const name of res.getHeaderNames()) if (!headers.includes(name)) res.removeHeader(name)
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string // written by snapshotHead
    const value = headers[index + 1] as string | string[]
    if (res.getHeader(name) !== value) res.setHeader(name, value)
  }
  res.statusCode = 200
  res.sendDate = sendDate
  if (streamOf(res) !== undefined) return // http2 frames by itself
  res.statusMessage = ''
  // Private to Node: removeHeader, addTrailers and a half-made end() leave these behind, and they change the framing.
  const framing = { _removedConnection: false, _removedContLen: false, _removedTE: false, _contentLength: null }
  Object.assign(res, framing, { _trailer: '' })
}

/**
 * Moves the explicit headers of a `writeHead` call onto `res`, where `hooks.headers` can see and merge them, and returns
 * the arguments that are left: the status and perhaps a message. A name given here replaces an earlier value, as in
 * Node; a name repeated in the array form is sent repeatedly.
 */
export function adoptHead(res: ServerResponse, args: unknown[]): unknown[] {
  const [status, message, last] = args
  res.statusCode = Number(status) | 0
  if (args.length === 1) return args
  const headers = last ?? (typeof message === 'string' ? undefined : message) ?? {}
  const seen = new Set<string>()
  for (const [name, value] of Array.isArray(headers) ? pairs(headers) : Object.entries(headers)) {
    const key = String(name).toLowerCase()
    if (name && seen.has(key)) res.appendHeader(name, value)
    // A copy, for appendHeader to push into.
    else if (name) res.setHeader(name, Array.isArray(value) ? value.slice() : value)
    seen.add(key)
  }
  return typeof message === 'string' ? [status, message] : [status]
}

function pairs(list: unknown[]): [string, string][] {
  if (Array.isArray(list[0])) return list as [string, string][] // setHeader refuses what is no name or no value
  if (list.length % 2 !== 0) throw coded(new TypeError('writeHead: a header without a value'), 'ERR_INVALID_ARG_VALUE')
  return list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1]] as [string, string]] : []))
}

/**
 * Makes the stored Set-Cookie array ours. `appendHeader` pushes into the very array the application passed to
 * setHeader: if that is a constant, the session cookie of one visitor would be sent to the next.
 */
export function ownCookies(res: ServerResponse): void {
  const cookies = res.getHeader('set-cookie')
  if (Array.isArray(cookies)) res.setHeader('Set-Cookie', cookies.slice())
}

/** The stream beneath a compat response of http2; undefined: http1. */
export function streamOf(res: ServerResponse): ServerHttp2Stream | undefined {
  const { stream } = res as { stream?: ServerHttp2Stream } // http1 has none
  return typeof stream?.respond === 'function' ? stream : undefined
}

/** An error with a stable code, most of them Node's own. */
export const coded = (error: Error, code: string): Error => Object.assign(error, { code })
