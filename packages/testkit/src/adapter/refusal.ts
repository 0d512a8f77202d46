import type { Session, SessionsOptions } from '@sess/core'
import { deepEqual, equal, ok } from '../case.ts'
import { type App, reply, type Setup } from './app.ts'
import type { Browser, Visit } from './browser.ts'
import type { Answer } from './client.ts'

/** Why a request is refused, as the event tells it. */
export type Reason = 'site' | 'origin' | 'missing' | 'token' | 'form' | 'embedded' | 'write'

/** Over https, as a trusted proxy tells it: `https://app.example`. */
export function https(csrf: SessionsOptions['csrf'] = {}, more: Partial<SessionsOptions> = {}): Setup {
  return { serve: { trustProxy: true }, options: { csrf, ...more } }
}

/** A change of the session, counted. */
export function count(session: Session): void {
  session.update('count', (value) => Number(value ?? 0) + 1)
}

/** How often `count` has been saved. */
async function counted(browser: Browser): Promise<number> {
  return Number((await browser.look()).data.count ?? 0)
}

/** A request that changes its session is answered with 200, and its change is saved. */
export async function passes(browser: Browser, visit: Visit, what: string): Promise<void> {
  const before = await counted(browser)
  const answer = await browser.visit(count, visit)
  equal(answer.status, 200, `status ${what}`)
  equal(await counted(browser), before + 1, `changes saved ${what}`)
}

/** Refused: 403, one event, nothing changed, no cookie, and no cache may keep the answer. */
export async function refuses(app: App, browser: Browser, visit: Visit, reason: Reason, what: string): Promise<void> {
  const before = await counted(browser)
  const told = app.heard('csrf-refused').length
  const answer = await browser.visit(count, visit)
  isRefusal(answer, what)
  const events = app.heard('csrf-refused').slice(told)
  deepEqual(
    events.map((event) => [event.reason, event.enforced, event.method]),
    [[reason, true, visit.method ?? 'GET']],
    `events ${what}`,
  )
  equal(await counted(browser), before, `changes saved ${what}`)
}

/** The answer to a refused request. */
export function isRefusal(answer: Answer, what: string): void {
  equal(answer.status, 403, `status ${what}`)
  deepEqual(answer.cookies, [], `Set-Cookie lines ${what}`)
  ok(/\bno-store\b/.test(answer.get('cache-control') ?? ''), `no-store in ${answer.get('cache-control')} ${what}`)
  const varies = (answer.get('vary') ?? '').toLowerCase()
  ok(
    varies.includes('origin') && varies.includes('sec-fetch-site'),
    `Origin and Sec-Fetch-Site in Vary: ${varies} ${what}`,
  )
}

/** What a page of the application renders into its forms. */
export async function tokenOf(browser: Browser, visit: Visit = {}): Promise<string> {
  const { body, status } = await browser.visit((session) => reply({ body: session.csrfToken() }), visit)
  equal(status, 200, 'status of a page with a form')
  return body
}
