import type { Session } from '@sess/core'
import { equal, ok } from '../case.ts'
import { type AdapterCase, type App, must, reply } from './app.ts'
import type { Answer } from './client.ts'

/** Each makes a response that sets or clears the cookie. */
const changes: Readonly<Record<string, (session: Session) => void>> = {
  'first-write': (session) => {
    session.data.cart = []
  },
  'sign-in': (session) => session.signIn('ada'),
  'hard-rotation': (session) => session.rotate({ hard: true }),
  'sign-out': (session) => session.signOut(),
}

function page(headers: Record<string, string>, change: (session: Session) => unknown = () => undefined) {
  return (session: Session) => {
    change(session)
    return reply({ headers: Object.entries(headers), body: 'page' })
  }
}

function directives(answer: Answer): string[] {
  return (answer.get('cache-control') ?? '').split(',').map((directive) => directive.trim())
}

function varies(answer: Answer): string[] {
  return (answer.get('vary') ?? '').split(',').map((field) => field.trim().toLowerCase())
}

async function changed(app: App, kind: string, headers: Record<string, string>): Promise<Answer> {
  const browser = kind === 'first-write' ? app.browser() : await app.signedIn()
  const answer = await browser.visit(page(headers, changes[kind]))
  equal(answer.cookies.length, 1, `Set-Cookie lines of ${kind}`)
  return answer
}

export const cachingCases: readonly AdapterCase[] = [
  ...Object.keys(changes).map((kind) =>
    must(`caching/no-store/${kind}`, `${kind}: nobody may store a response that carries the cookie`, async (app) => {
      const answer = await changed(app, kind, {})
      ok(directives(answer).includes('no-store'), `no-store among ${answer.get('cache-control')}`)
      ok(varies(answer).includes('cookie'), `Cookie in Vary: ${answer.get('vary')}`)
    }),
  ),
  must('caching/no-store-over-public', "no-store replaces the application's own permission to store", async (app) => {
    const answer = await changed(app, 'sign-in', { 'Cache-Control': 'public, max-age=600' })
    ok(directives(answer).includes('no-store'), `no-store among ${answer.get('cache-control')}`)
    ok(!directives(answer).includes('public'), `no public in ${answer.get('cache-control')}`)
  }),
  must(
    'caching/private-when-read',
    'a page that looked at its session is private and varies by Cookie',
    async (app) => {
      const browser = await app.signedIn()
      const answer = await browser.visit(page({}, (session) => session.subject))
      equal(answer.get('cache-control'), 'private', 'Cache-Control')
      equal(answer.get('vary'), 'Cookie', 'Vary')
    },
  ),
  must('caching/private-for-visitors', 'a page that found no session varies by Cookie as well', async (app) => {
    const answer = await app.browser().visit(page({}, (session) => session.subject))
    equal(answer.get('vary'), 'Cookie', 'Vary')
    equal(answer.get('cache-control'), 'private', 'Cache-Control')
  }),
  must('caching/own-header-survives', "a page that only looked keeps the application's Cache-Control", async (app) => {
    const browser = await app.signedIn()
    const answer = await browser.visit(page({ 'Cache-Control': 'no-cache, max-age=0' }, (session) => session.subject))
    equal(answer.get('cache-control'), 'no-cache, max-age=0', 'Cache-Control')
    ok(varies(answer).includes('cookie'), `Cookie in Vary: ${answer.get('vary')}`)
  }),
  must('caching/vary-is-merged', "the application's Vary survives, and Cookie is named once", async (app) => {
    const browser = await app.signedIn()
    const look = (session: Session) => session.subject
    const merged = varies(await browser.visit(page({ Vary: 'Accept-Encoding' }, look)))
    ok(merged.includes('accept-encoding') && merged.includes('cookie'), `both in Vary: ${merged}`)
    const twice = varies(await browser.visit(page({ Vary: 'cookie, Accept' }, look)))
    equal(twice.filter((field) => field === 'cookie').length, 1, `times Cookie is named in Vary: ${twice}`)
  }),
  must(
    'caching/untouched-when-not-read',
    'a page that never looked at its session can be cached by everybody',
    async (app) => {
      const browser = await app.signedIn()
      const answer = await browser.visit(page({ 'Cache-Control': 'public, max-age=600' }))
      equal(answer.get('cache-control'), 'public, max-age=600', 'Cache-Control')
      ok(!varies(answer).includes('cookie'), `no Cookie in Vary: ${answer.get('vary')}`)
    },
  ),
]
