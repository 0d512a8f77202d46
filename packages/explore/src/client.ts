import { createHash } from 'node:crypto'

/** A browser: one cookie, or none. */
export interface Jar {
  cookie: string | null
}

/** Three parts of a token that the oracle reads; it knows the format, not the keys. */
export interface SeenToken {
  readonly sid: string
  readonly generation: number
  readonly handle: string
}

/** What a `Set-Cookie` line does: a token, or a cleared cookie. */
export function readSetCookie(line: string): SeenToken | 'cleared' {
  const value = line.slice(line.indexOf('=') + 1, line.indexOf(';'))
  return value === '' ? 'cleared' : readToken(value)
}

/** Reads a cookie's value. */
export function readToken(value: string): SeenToken {
  const [sid = '', generation = ''] = value.split('.')
  return { sid, generation: Number(generation), handle: createHash('sha256').update(sid).digest('base64url') }
}

/** What the browser makes of a response. */
export function store(jar: Jar, line: string): void {
  const value = line.slice(line.indexOf('=') + 1, line.indexOf(';'))
  jar.cookie = value === '' ? null : value
}
