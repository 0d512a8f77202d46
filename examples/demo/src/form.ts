import type { IncomingMessage } from 'node:http'
import type { Session } from '@sess/core'
import { type Html, html } from './html.ts'
import type { DemoData } from './sessions.ts'

/** The fields of a posted form, for servers without a body parser; at most 16 KiB of them. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > LIMIT) throw Object.assign(new Error('The form is too large.'), { status: 413, expose: true })
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}

const LIMIT = 16 * 1024

/**
 * The field that shows that an own page made the form, for browsers that do not tell. A visitor's forms have none: it would cost
 * a cookie, and there is no session yet that another site could act with.
 */
export function formToken(session: Session<DemoData>): Html {
  if (session.state === 'anonymous') return html``
  return html`<input type="hidden" name="_csrf" value="${session.csrfToken()}">`
}
