import { CsrfError, createSessions, memoryStore, type Session, type Sessions } from '@sess/core'
import { verifyForm } from '@sess/core/http'
import fc from 'fast-check'
import { corpus, pieces } from './corpus.ts'
import { check, near, type Target, target } from './target.ts'

type Data = Record<string, unknown>
type Headers = Readonly<Record<string, string>>

const OWN = 'https://shop.example'
const text = (kind: keyof typeof corpus): fc.Arbitrary<string> => near(corpus[kind], pieces[kind])

/** Sessions of one application, and the cookie and a form token of somebody who is signed in. */
async function signedIn(
  profile: 'modern' | 'nist',
): Promise<{ sessions: Sessions<Data>; cookie: string; token: string }> {
  const sessions = createSessions<Data>({
    store: memoryStore(),
    csrf: { profile, origin: OWN, isolation: 'same-origin' },
    clock: { now: () => Date.UTC(2026, 0, 1) },
  })
  const session = await sessions.open({})
  session.signIn('ada')
  await session.commit()
  const [, line = ''] = session.toHeaders().find(([name]) => name === 'Set-Cookie') ?? []
  const cookie = line.slice(0, line.indexOf(';'))
  return { sessions, cookie, token: (await sessions.open({ cookie })).csrfToken() }
}

const modern = signedIn('modern')
const nist = signedIn('nist')

/** Whether the session can be looked at; anything but a refusal is passed on. */
async function passes(sessions: Sessions<Data>, method: string, headers: Headers, use: Use = look): Promise<boolean> {
  try {
    use(await sessions.open({ method, headers, secure: true }))
    return true
  } catch (error) {
    if (error instanceof CsrfError) return false
    throw error
  }
}

const isOwnPage = (referer: string): boolean =>
  referer.startsWith(OWN) && /^(?:[/?#]|$)/.test(referer.slice(OWN.length))

type Use = (session: Session<Data>) => void

function look(session: Session<Data>): void {
  check(session.subject === 'ada', 'whoever passes is who they were')
}

const METHODS = ['POST', 'PUT', 'DELETE', 'PATCH', 'post', 'get', 'TRACE', 'X', '', 'GET ']
const SITES = ['same-origin', 'none', 'same-site', 'cross-site', '', 'SAME-ORIGIN', 'same-origin ', 'same-origin, none']

/** Everything that says which site a request comes from, and the tokens of forms. */
export const otherSites: readonly Target[] = [
  target({
    name: 'Origin, Referer and Sec-Fetch-Site',
    share: 20_000,
    inputs: fc.tuple(
      fc.constantFrom(...METHODS),
      fc.record(
        {
          origin: text('origin'),
          referer: text('origin'),
          host: text('origin'),
          'sec-fetch-site': fc.oneof(fc.constantFrom(...SITES), fc.string({ maxLength: 4 })),
          'sec-fetch-mode': fc.constantFrom('navigate', 'cors', 'no-cors', ''),
          'x-csrf-token': text('token'),
        },
        { requiredKeys: [] },
      ) as fc.Arbitrary<Headers>,
    ),
    run: async ([method, headers]) => {
      const { sessions, cookie } = await modern
      const site = headers['sec-fetch-site']
      const { origin, referer = '' } = headers
      const byPage = origin === OWN || (origin === undefined && isOwnPage(referer))
      const own = site === undefined ? byPage : site === 'same-origin' || site === 'none'
      const passed = await passes(sessions, method, { ...headers, cookie })
      check(passed === own, 'exactly what comes from a page of our own passes')
    },
    repeated: (piece, length): [string, Headers] => [
      'POST',
      { referer: piece.repeat(Math.ceil(length / piece.length)) },
    ],
  }),
  target({
    name: 'form token',
    share: 20_000,
    inputs: fc.tuple(fc.nat({ max: 90 }), fc.nat({ max: 2 }), fc.oneof(text('token'), fc.constantFrom('A', 'B', '='))),
    run: async ([at, length, put]) => {
      const { sessions, cookie, token } = await nist
      const changed = token.slice(0, at) + put + token.slice(at + length)
      const headers = { cookie, origin: OWN }
      const passed = await passes(sessions, 'POST', headers, (session) => {
        verifyForm(session, new URLSearchParams({ _csrf: changed }))
        look(session)
      })
      check(!passed || changed === token, 'no text but the token passes')
    },
  }),
]
