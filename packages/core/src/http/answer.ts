import { PROVENANCE_HEADERS } from '../errors.ts'
import type { Visit } from '../manager/visit.ts'
import type { TokenTransport } from './carrier.ts'
import type { Channel } from './channel.ts'

/**
 * What the answer must carry because of its session: the token if one may still leave, the cookies beside it, and what caches have
 * to know. @see OWASP ASVS 5.0 14.3.2
 */
export function answerLines(transport: TokenTransport, channel: Channel, visit: Visit): [string, string][] {
  const lines = tokenLines(transport, channel, visit)
  const changes = lines.length > 0
  if (changes || channel.refused) lines.push(['Cache-Control', 'no-store'])
  else if (visit.read) lines.push(['Cache-Control', 'private'])
  if (changes || visit.read) lines.push(['Vary', transport.varies])
  const isolated = visit.read && channel.guard?.isolates === true
  if (isolated || channel.refused) for (const name of PROVENANCE_HEADERS) lines.push(['Vary', name])
  return lines
}

function tokenLines(transport: TokenTransport, channel: Channel, visit: Visit): [string, string][] {
  const { effect, engine } = visit
  const late = effect?.type === 'send' && effect.until !== null && engine.clock.now() >= effect.until
  const due = late ? null : effect
  const signsIn = due?.type === 'send' && visit.record !== null && visit.record.subject !== null
  const beside = [
    transport.writeCookie?.line(channel, visit, due) ?? null,
    transport.formTokens.line(channel, signsIn),
  ].filter((line) => line !== null)
  return [...(due === null ? [] : transport.send(due, channel)), ...beside]
}
