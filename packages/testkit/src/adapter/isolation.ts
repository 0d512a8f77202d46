import type { Session } from '@sess/core'
import { equal, ok } from '../case.ts'
import { type AdapterCase, must, reply } from './app.ts'
import type { Visit } from './browser.ts'
import { https, isRefusal } from './refusal.ts'

type Metadata = readonly [site: string, mode: string, dest: string]

const LINK: Metadata = ['cross-site', 'navigate', 'document']

/** How pages of other origins get at a page, and whether it is given to them. */
const rows: readonly (readonly [id: string, metadata: Metadata, given: boolean])[] = [
  ['link', LINK, true],
  ['own-image', ['same-origin', 'no-cors', 'image'], true],
  ['typed-address', ['none', 'navigate', 'document'], true],
  ['image', ['cross-site', 'no-cors', 'image'], false],
  ['script', ['cross-site', 'no-cors', 'script'], false],
  ['style', ['cross-site', 'no-cors', 'style'], false],
  ['fetch', ['cross-site', 'cors', 'empty'], false],
  ['frame', ['cross-site', 'navigate', 'iframe'], false],
  ['object', ['cross-site', 'navigate', 'object'], false],
  ['embed', ['cross-site', 'navigate', 'embed'], false],
  ['sibling-image', ['same-site', 'no-cors', 'image'], false],
  ['sibling-frame', ['same-site', 'navigate', 'iframe'], false],
  ['sibling-link', ['same-site', 'navigate', 'document'], true],
  ['unknown-site', ['same-planet', 'no-cors', 'image'], false],
]

function sent([site, mode, dest]: Metadata, more: NonNullable<Visit['headers']> = []): Visit {
  return { headers: [['Sec-Fetch-Site', site], ['Sec-Fetch-Mode', mode], ['Sec-Fetch-Dest', dest], ...more] }
}

function page(session: Session) {
  return reply({ body: `of ${session.subject}` })
}

const rowCases = rows.map(([id, metadata, given]) =>
  must(
    `csrf/isolation/${id}`,
    given ? `${id}: gets what depends on the session` : `${id}: does not get what depends on the session`,
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const answer = await browser.visit(page, sent(metadata))
      if (given) equal(answer.body, 'of ada', 'page')
      else isRefusal(answer, `of ${id}`)
      equal(app.heard('csrf-refused').length, given ? 0 : 1, 'events')
    },
    https({ isolation: 'same-origin' }),
  ),
)

export const isolationCases: readonly AdapterCase[] = [
  ...rowCases,
  must(
    'csrf/isolation/off',
    'without the option other sites can load pages, as the SameSite cookie allows',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      equal((await browser.visit(page, sent(['cross-site', 'no-cors', 'image']))).status, 200, 'status')
    },
    https(),
  ),
  must(
    'csrf/isolation/public',
    'what leaves the session alone is for everybody',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const answer = await browser.visit(() => reply({ body: 'logo' }), sent(['cross-site', 'no-cors', 'image']))
      equal(answer.body, 'logo', 'body')
      ok(!(answer.get('vary') ?? '').includes('Sec-Fetch'), `no Sec-Fetch in Vary: ${answer.get('vary')}`)
    },
    https({ isolation: 'same-origin' }),
  ),
  must(
    'csrf/isolation/same-site',
    "`isolation: 'same-site'` lets siblings embed, and other sites not",
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      equal((await browser.visit(page, sent(['same-site', 'no-cors', 'image']))).status, 200, 'status of a sibling')
      isRefusal(await browser.visit(page, sent(['cross-site', 'no-cors', 'image'])), 'of another site')
    },
    https({ isolation: 'same-site' }),
  ),
  must(
    'csrf/isolation/origins',
    'a listed origin may fetch',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const from = (origin: string) => sent(['cross-site', 'cors', 'empty'], [['Origin', origin]])
      equal((await browser.visit(page, from('https://partner.example'))).status, 200, 'status of a listed origin')
      isRefusal(await browser.visit(page, from('https://evil.example')), 'of another origin')
    },
    https({ isolation: 'same-origin', origins: ['https://partner.example'] }),
  ),
  must(
    'csrf/isolation/caches',
    'caches have to tell by whose page a page was asked for',
    async (app) => {
      const browser = await app.signedIn('ada', { secure: true })
      const answer = await browser.visit(page, sent(LINK))
      const varies = (answer.get('vary') ?? '').toLowerCase().split(/, */)
      for (const name of ['cookie', 'origin', 'sec-fetch-site', 'sec-fetch-mode', 'sec-fetch-dest'])
        equal(varies.filter((each) => each === name).length, 1, `times ${name} is in Vary: ${varies}`)
    },
    https({ isolation: 'same-origin' }),
  ),
]
