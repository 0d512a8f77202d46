import { Session } from '../../manager/session.ts'
import type { Channel } from '../channel.ts'

/** Whether this request still has to show a form token, so that its body has to be read. */
export function needsFormToken<Data extends object>(session: Session<Data>): boolean {
  const { doubt } = channelOf(session)
  return doubt === 'token' || doubt === 'body'
}

/**
 * Verifies the form token in a parsed body (an object, `FormData` or `URLSearchParams`, whatever a parser has made of it), or in
 * the header where that will do: what an adapter's `csrf()` does behind the parsers. Does nothing where no token is needed.
 *
 * @throws {CsrfError} there is none of this session
 */
export function verifyForm<Data extends object>(session: Session<Data>, body: unknown): void {
  const { guard } = channelOf(session)
  if (guard !== null) session.verifyCsrf(fieldOf(body, guard.field))
}

function fieldOf(body: unknown, field: string): unknown {
  if (typeof body !== 'object' || body === null) return undefined
  if ('get' in body && typeof body.get === 'function') return body.get(field) as unknown
  const value: unknown = Object.hasOwn(body, field) ? (body as Record<string, unknown>)[field] : undefined // its own
  // As @fastify/multipart attaches fields.
  return typeof value === 'object' && value !== null && 'value' in value ? value.value : value
}

function channelOf<Data extends object>(session: Session<Data>): Channel {
  // Sessions are opened by `Sessions.open()` alone, which gives each of them a channel.
  return Session.visitOf(session as Session<never>).carrier as Channel
}
