import { CsrfError } from '../errors.ts'
import { Session } from '../manager/session.ts'

/** The headers of a response that has not left yet, as every framework has them. */
export interface ResponseHeaders {
  /** The value set so far, if any. */
  get(name: string): string | undefined
  /** Replaces the value. */
  set(name: string, value: string): void
  /** Adds a further header line of this name. */
  append(name: string, value: string): void
}

/**
 * Commits a session for a response with this status: what every adapter calls before the first byte leaves. Undefined means
 * that there is nothing to wait for. Call it again at the response's end for changes that came after the headers.
 */
export function finish<Data extends object>(session: Session<Data>, status: number): Promise<void> | undefined {
  return Session.finish(session as Session<never>, status)
}

/**
 * Puts what the session needs on the response: the cookie, `Cache-Control: no-store` if there is one, `Vary` and
 * `Cache-Control: private` if the session was looked at. The application's own headers survive. After it the headers count
 * as sent: a change that needs a cookie throws.
 */
export function applyHeaders<Data extends object>(session: Session<Data>, headers: ResponseHeaders): void {
  const visit = Session.visitOf(session as Session<never>)
  for (const [name, value] of session.toHeaders()) {
    if (name === 'Vary') mergeVary(headers, value)
    else if (name === 'Cache-Control') mergeCacheControl(headers, value)
    else headers.append(name, value)
  }
  visit.headersSent = true
}

/**
 * Puts on the response what the answer to a request must carry whose session was not opened because another site may have made
 * it: nobody may store it. Then hand the error on; other errors leave the response alone.
 */
export function applyRefusal(error: unknown, headers: ResponseHeaders): void {
  if (!(error instanceof CsrfError)) return
  for (const name of error.headers.Vary.split(', ')) mergeVary(headers, name)
  mergeCacheControl(headers, error.headers['Cache-Control'])
}

function mergeVary(headers: ResponseHeaders, name: string): void {
  const fields = headers.get('Vary') ?? ''
  const present = fields.split(',').map((field) => field.trim().toLowerCase())
  if (present.includes('*') || present.includes(name.toLowerCase())) return
  headers.set('Vary', fields === '' ? name : `${fields}, ${name}`)
}

function mergeCacheControl(headers: ResponseHeaders, directive: string): void {
  const existing = headers.get('Cache-Control')
  if (existing === undefined || existing === '') headers.set('Cache-Control', directive)
  else if (directive === 'no-store' && !/(?:^|[\s,])no-store(?:$|[\s,])/i.test(existing))
    headers.set('Cache-Control', directive)
}
