import { NotMountedError, type Session } from '@sess/core'
import { finish } from '@sess/core/http'
import { type Steps, steps } from './reference.ts'

/** A way to get an adapter wrong, and cases that notice it. */
export interface AdapterFlaw {
  /** Completes "notice an adapter that …". */
  readonly flaw: string
  /** Ids without `adapter/`. */
  readonly caughtBy: readonly string[]
  /** The broken steps, for one application: state that they share must not be global. */
  readonly break: () => Partial<Steps>
}

export const flaws: readonly AdapterFlaw[] = [
  {
    flaw: 'sends the head before the commit is done',
    caughtBy:
      'commit/first-byte/text commit/first-byte/json commit/first-byte/redirect commit/first-byte/stream commit/first-byte/head commit/first-byte/no-content commit/first-byte/not-modified commit/first-byte/not-found commit/first-byte/thrown-422 failure/fail/data failure/hang/data'.split(
        ' ',
      ),
    break: () => ({
      commit: async (session, status) => void finish(session, status)?.catch(() => {}),
    }),
  },
  {
    flaw: 'commits only when the response has ended',
    caughtBy: 'cookie/attributes/first-write sign-in/new-token living/streaming'.split(' '),
    break: () => ({ commit: async () => {} }),
  },
  {
    flaw: 'puts no headers out',
    caughtBy:
      'cookie/attributes/sign-in cookie/attributes/sign-out caching/no-store/first-write caching/private-for-visitors'.split(
        ' ',
      ),
    break: () => ({ headers: () => {} }),
  },
  {
    flaw: "overwrites the application's Set-Cookie",
    caughtBy: 'cookie/app-cookies-survive living/two-instances'.split(' '),
    break: () => ({
      headers: (session, headers, res) => steps.headers(session, { ...headers, append: headers.set }, res),
    }),
  },
  {
    flaw: 'appends where it has to replace',
    caughtBy: 'caching/no-store-over-public'.split(' '),
    break: () => ({
      headers: (session, headers, res) => steps.headers(session, { ...headers, set: headers.append }, res),
    }),
  },
  {
    flaw: 'does not tell which headers the application has set',
    caughtBy: 'caching/own-header-survives caching/vary-is-merged'.split(' '),
    break: () => ({
      headers: (session, headers, res) => steps.headers(session, { ...headers, get: () => undefined }, res),
    }),
  },
  {
    flaw: 'puts its headers out twice',
    caughtBy: 'cookie/attributes/sign-in cookie/one-per-response commit/explicit'.split(' '),
    break: () => ({
      headers(session, headers, res) {
        steps.headers(session, headers, res)
        steps.headers(session, headers, res)
      },
    }),
  },
  {
    flaw: 'swallows the errors of the commit',
    caughtBy:
      'failure/fail/data failure/fail/data-streamed failure/fail/sign-in failure/hang/sign-out sign-out/store-down sign-in/slow-old-writer sign-out/slow-writer values/refused/date concurrency/stand-in-superseded token/conflict/lock transport/plain-http-first-write living/two-instances-failure time/slow-across-absolute limits/reject limits/overtaken accounts/end-in-flight accounts/end-all-under-way'.split(
        ' ',
      ),
    break: () => ({
      commit: (session, status, res) => steps.commit(session, status, res).catch(() => {}),
    }),
  },
  {
    flaw: 'answers a failed commit with 500',
    caughtBy:
      'failure/fail/data concurrency/stand-in-store transport/plain-http-sign-in token/conflict/hard-rotation'.split(
        ' ',
      ),
    break: () => ({
      commit: (session, status, res) =>
        steps.commit(session, status, res).catch(() => {
          throw new Error('session')
        }),
    }),
  },
  {
    flaw: 'sends the page along with the error',
    caughtBy: 'failure/fail/data failure/fail/first-write failure/fail/hard-rotation'.split(' '),
    break: () => ({
      fail(res, error, reply) {
        const text = typeof reply?.body === 'string' ? reply.body : ''
        const { status = 500 } = error as { status?: number }
        res.writeHead(status).end(text)
      },
    }),
  },
  {
    flaw: 'keeps the headers of the page on the error',
    caughtBy: 'failure/own-headers'.split(' '),
    break: () => ({
      async commit(session, status, res) {
        res.setHeader('Content-Disposition', 'attachment')
        await steps.commit(session, status, res)
        res.removeHeader('Content-Disposition')
      },
      fail(res, error) {
        const { status = 500 } = error as { status?: number }
        res.writeHead(status).end()
      },
    }),
  },
  {
    flaw: 'cuts the connection when a commit fails',
    caughtBy: 'failure/fail/data failure/fail/get failure/hang/get'.split(' '),
    break: () => ({ fail: (res) => void res.destroy() }),
  },
  {
    flaw: 'clears the cookie when something fails',
    caughtBy: 'failure/fail/get failure/fail/data concurrency/stand-in-replaced sign-out/unreadable'.split(' '),
    break: () => ({
      fail: (res, error) => {
        const { status = 500 } = error as { status?: number }
        res.writeHead(status, { 'Set-Cookie': 'sid=; Path=/; HttpOnly; Max-Age=0' }).end()
      },
    }),
  },
  {
    flaw: 'clears the cookie of everybody who is not signed in',
    caughtBy:
      'cookie/cleared-only-on-sign-out cookie/ambiguous cookie/forged/empty cookie/none-for-visitors failure/stand-in sign-out/replay token/t3-hard'.split(
        ' ',
      ),
    break: () => ({
      headers(session, headers, res) {
        steps.headers(session, headers, res)
        if (session.state !== 'anonymous' || session.toHeaders().some(([name]) => name === 'Set-Cookie')) return
        headers.append('Set-Cookie', 'sid=; Path=/; HttpOnly; Max-Age=0')
      },
    }),
  },
  {
    flaw: 'shows the cookie on its error page',
    caughtBy: 'secrecy/responses'.split(' '),
    break: () => ({
      fail: (res, error) => {
        const { status = 500 } = error as { status?: number }
        res.writeHead(status).end(`failed for ${res.req.headers.cookie}`)
      },
    }),
  },
  {
    flaw: 'opens every session twice',
    caughtBy: 'cookie/none-without-change commit/one-write rotation/one-write token/t4-soft'.split(' '),
    break: () => ({
      async open(sessions, facts, req) {
        await sessions.open(facts)
        return steps.open(sessions, facts, req)
      },
    }),
  },
  {
    flaw: 'takes a visitor in place of a session that cannot be loaded',
    caughtBy: 'failure/fail/get failure/hang/get transport/plain-http-cookie'.split(' '),
    break: () => ({
      open: (sessions, facts, req) =>
        steps.open(sessions, facts, req).catch(() => steps.open(sessions, { ...facts, headers: {}, cookie: '' }, req)),
    }),
  },
  {
    flaw: 'keeps sessions from one request to the next of a connection',
    caughtBy: 'living/keep-alive'.split(' '),
    break: () => {
      const bySocket = new WeakMap<object, Promise<Session>>()
      return {
        open(sessions, facts, req) {
          const session = bySocket.get(req.socket) ?? steps.open(sessions, facts, req)
          bySocket.set(req.socket, session)
          session.then((opened) => sessions.attach(req, opened)).catch(() => {})
          return session
        },
      }
    },
  },
  {
    flaw: 'cannot be asked for its session',
    caughtBy: 'living/of living/two-instances'.split(' '),
    break: () => ({ open: (sessions, facts) => sessions.open(facts) }),
  },
  {
    flaw: 'writes to every session',
    caughtBy: 'cookie/none-for-visitors cookie/none-without-change commit/nothing-changed transport/health-probe'.split(
      ' ',
    ),
    break: () => ({
      async commit(session, status, res) {
        session.data.lastSeen = res.req.url
        await steps.commit(session, status, res)
      },
    }),
  },
  {
    flaw: 'looks at every session',
    caughtBy: 'caching/untouched-when-not-read'.split(' '),
    break: () => ({
      commit: (session, status, res) =>
        session.subject === '' ? Promise.resolve() : steps.commit(session, status, res),
    }),
  },
  {
    flaw: 'does not tell the status',
    caughtBy: 'outcome/throws/drops-data outcome/throws-503/drops-sign-in outcome/answers/drops-proof'.split(' '),
    break: () => ({ commit: (session, _, res) => steps.commit(session, 200, res) }),
  },
  {
    flaw: 'takes every error of a handler for a defect',
    caughtBy: 'outcome/client-errors-keep'.split(' '),
    break: () => ({ commit: (session, status, res) => steps.commit(session, status >= 400 ? 500 : status, res) }),
  },
  {
    flaw: 'does not commit when a handler fails',
    caughtBy:
      'outcome/throws/keeps-sign-out outcome/answers/keeps-lock outcome/throws-503/keeps-rotation outcome/keep'.split(
        ' ',
      ),
    break: () => ({
      commit: (session, status, res) => (status >= 500 ? Promise.resolve() : steps.commit(session, status, res)),
      commitLate: async () => {},
    }),
  },
  {
    flaw: 'does not commit when the client has gone',
    caughtBy: 'outcome/aborted-in-handler'.split(' '),
    break: () => ({
      commit: async (session, status, res) => {
        if (!res.req.socket.destroyed) await steps.commit(session, status, res)
      },
      commitLate: async () => {},
    }),
  },
  {
    flaw: 'loses what changes after the headers',
    caughtBy: 'late/data late/sign-out late/lock late/aborted'.split(' '),
    break: () => ({ commitLate: async () => {} }),
  },
  {
    flaw: 'collects a stream before it sends it',
    caughtBy: 'living/chunks-at-once living/server-sent-events late/data'.split(' '),
    break: () => ({
      async write(res, { status, headers, body }) {
        let text = ''
        if (typeof body === 'string') text = body
        else if (body !== null) for await (const chunk of body) text += chunk
        await steps.write(res, { status, headers, body: text })
      },
    }),
  },
  {
    flaw: 'sends only the first chunk',
    caughtBy: 'commit/first-byte/stream living/streaming'.split(' '),
    break: () => ({
      async write(res, { status, headers, body }) {
        if (body === null || typeof body === 'string') return steps.write(res, { status, headers, body })
        const first: IteratorResult<string> = await body[Symbol.asyncIterator]().next()
        return steps.write(res, { status, headers, body: String(first.value ?? '') })
      },
    }),
  },
  {
    flaw: 'believes X-Forwarded-Proto of everybody',
    caughtBy: 'transport/spoofed-proto transport/loopback-behind-proxy/x-forwarded-proto'.split(' '),
    break: () => ({ facts: (req, options) => steps.facts(req, { ...options, trustProxy: true }) }),
  },
  {
    flaw: 'believes no proxy',
    caughtBy: 'transport/trusted-https transport/client-address cookie/attributes/sign-in ip-binding/prefix'.split(' '),
    break: () => ({ facts: (req, options) => steps.facts(req, { ...options, trustProxy: false }) }),
  },
  {
    flaw: 'takes every connection for https',
    caughtBy:
      'transport/plain-http-sign-in transport/spoofed-proto transport/trusted-http transport/production-loopback cookie/development'.split(
        ' ',
      ),
    break: () => ({ facts: (req, options) => ({ ...steps.facts(req, options), secure: true }) }),
  },
  {
    flaw: 'vouches for the connection by saying nothing about it',
    caughtBy: 'transport/plain-http-cookie transport/user-agent'.split(' '),
    break: () => ({ facts: (req) => ({ cookie: req.headers.cookie, url: req.url ?? '' }) }),
  },
  {
    flaw: 'passes on only the headers it knows',
    caughtBy:
      'transport/loopback-behind-proxy/forwarded transport/loopback-behind-proxy/via transport/loopback-behind-proxy/x-real-ip transport/user-agent fingerprint/client-hints fingerprint/own-signal'.split(
        ' ',
      ),
    break: () => ({
      facts(req, options) {
        const { host, cookie } = req.headers
        return { ...steps.facts(req, options), headers: { host, cookie } }
      },
    }),
  },
  {
    flaw: 'does not pass on the url',
    caughtBy: 'time/passive-by-url'.split(' '),
    break: () => ({ facts: (req, options) => ({ ...steps.facts(req, options), url: '/' }) }),
  },
  {
    flaw: 'does not know where requests come from',
    caughtBy: 'transport/loopback-hosts transport/peer-address cookie/development ip-binding/exact guessing/told'.split(
      ' ',
    ),
    break: () => ({ facts: (req, options) => ({ ...steps.facts(req, options), ip: undefined }) }),
  },
  {
    flaw: 'takes every peer for loopback',
    caughtBy: 'transport/client-address ip-binding/prefix guessing/told fingerprint/end'.split(' '),
    break: () => ({ facts: (req, options) => ({ ...steps.facts(req, options), ip: '127.0.0.1' }) }),
  },
  {
    flaw: 'reads one Cookie header only',
    caughtBy: 'cookie/several-lines'.split(' '),
    break: () => ({
      facts(req, options) {
        const first = req.rawHeaders.findIndex((name) => name.toLowerCase() === 'cookie')
        return { ...steps.facts(req, options), cookie: first === -1 ? undefined : req.rawHeaders[first + 1] }
      },
    }),
  },
  {
    flaw: 'decodes the Cookie header',
    caughtBy: 'cookie/neighbours/percent-broken cookie/forged/percent-broken'.split(' '),
    break: () => ({
      facts(req, options) {
        return { ...steps.facts(req, options), cookie: decodeURIComponent(req.headers.cookie ?? '') }
      },
    }),
  },
  {
    flaw: 'keeps one cookie per name, the first',
    caughtBy: 'cookie/neighbours/planted-in-front cookie/duplicate'.split(' '),
    break: () => ({
      facts(req, options) {
        const pairs = (req.headers.cookie ?? '').split('; ').map((pair) => pair.split('=') as [string, string])
        const jar = new Map(pairs.reverse())
        return { ...steps.facts(req, options), cookie: [...jar].map((pair) => pair.join('=')).join('; ') }
      },
    }),
  },
  {
    flaw: 'keeps one cookie per name, the last',
    caughtBy: 'cookie/neighbours/planted-behind cookie/ambiguous'.split(' '),
    break: () => ({
      facts(req, options) {
        const pairs = (req.headers.cookie ?? '').split('; ').map((pair) => pair.split('=') as [string, string])
        return { ...steps.facts(req, options), cookie: [...new Map(pairs)].map((pair) => pair.join('=')).join('; ') }
      },
    }),
  },
  {
    flaw: 'compares cookie names without case',
    caughtBy: 'cookie/forged/prefix-with-wrong-case'.split(' '),
    break: () => ({
      facts(req, options) {
        const cookie = req.headers.cookie?.replace(/(^|; )__host-http-sid=/gi, '$1__Host-Http-sid=')
        return { ...steps.facts(req, options), cookie }
      },
    }),
  },
  {
    flaw: 'does not guard its routes',
    caughtBy: 'step-up/guard step-up/guard-for-visitors'.split(' '),
    break: () => ({ guard: () => {} }),
  },
  {
    flaw: 'guards its routes before it has opened the session',
    caughtBy: 'step-up/guard'.split(' '),
    break: () => ({
      guard: () => {
        throw new NotMountedError()
      },
    }),
  },
  {
    flaw: 'does not pass on the method',
    caughtBy: 'csrf/provenance/cross-site-without-origin csrf/silent/deny csrf/nist/content csrf/event'.split(' '),
    break: () => ({
      facts(req, options) {
        const { method: _, ...facts } = steps.facts(req, options)
        return facts
      },
    }),
  },
  {
    flaw: 'answers a refused proof without its challenge',
    caughtBy: 'step-up/guard step-up/guard-for-visitors step-up/challenge'.split(' '),
    break: () => ({ explain: (error) => ({ ...steps.explain(error), headers: [] }) }),
  },
  {
    flaw: 'makes every cookie one of the browser session',
    caughtBy: 'cookie/persistent cookie/persistent-cap acting/persistent'.split(' '),
    break: () => ({
      headers(session, headers, res) {
        const append = (name: string, value: string) => headers.append(name, value.replace(/; Max-Age=[1-9]\d*/, ''))
        steps.headers(session, { ...headers, append }, res)
      },
    }),
  },
  {
    flaw: 'takes the host that a proxy tells for its own',
    caughtBy: 'csrf/spoofed-proxy'.split(' '),
    break: () => ({
      facts(req, options) {
        const facts = steps.facts(req, options)
        const host = req.headers['x-forwarded-host']?.toString() ?? req.headers.host
        return { ...facts, origin: `${facts.secure ? 'https' : 'http'}://${host}` }
      },
    }),
  },
  {
    flaw: 'hands out sessions whose signal is nobody’s',
    caughtBy: 'live/sign-out live/elsewhere live/replaced live/locked live/idle'.split(' '),
    break: () => ({
      async open(sessions, facts, req) {
        const session = await steps.open(sessions, facts, req)
        Object.defineProperty(session, 'signal', { value: new AbortController().signal })
        return session
      },
    }),
  },
  {
    flaw: 'lets caches store what it refuses',
    caughtBy: 'csrf/provenance/other-origin csrf/before-the-store csrf/login'.split(' '),
    break: () => ({
      fail(res, error, reply) {
        const { setHeader } = res
        res.setHeader = () => res
        steps.fail(res, error, reply)
        res.setHeader = setHeader
      },
    }),
  },
  {
    flaw: 'does not verify form tokens',
    caughtBy: 'form/refused-before-the-handler form/urlencoded/nist form/multipart/modern form/json/nist'.split(' '),
    break: () => ({ form: async () => {} }),
  },
  {
    flaw: 'takes a form token from the query',
    caughtBy: 'form/field/not-in-the-query'.split(' '),
    break: () => ({
      form: async (session, req) =>
        session.verifyCsrf(new URL(req.url ?? '', 'http://app.example').searchParams.get('_csrf')),
    }),
  },
]
