import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  createSessions,
  type DefaultData,
  memoryStore,
  type Session,
  type Sessions,
  type SessionsOptions,
} from '@sess/core'
import { type FrameworkName, type RunningDemo, startDemo } from '@sess/demo'
import { type Handler, sess } from '@sess/node'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { fieldsOf, launch, Sites } from './sites.ts'

const executablePath = inject('chromium')
const FRAMEWORKS: FrameworkName[] = ['Express', 'Fastify', 'Koa', 'Hono', 'node:http']

/** A small application over https: who is signed in, and two forms. */
function application(options: Partial<SessionsOptions>): {
  readonly sessions: Sessions
  readonly listener: (req: IncomingMessage, res: ServerResponse) => void
} {
  const sessions = createSessions({ store: memoryStore(), ...options })
  const handler: Handler<DefaultData, IncomingMessage, ServerResponse> = async (req, res, session) => {
    if (req.method === 'POST') {
      const fields = await fieldsOf(req)
      session.verifyCsrf(fields.get('_csrf'))
      if (req.url === '/sign-in') session.signIn(fields.get('subject') ?? '')
      else session.update('count', (count) => Number(count ?? 0) + 1)
      return res.writeHead(303, { Location: '/' }).end()
    }
    if (req.url === '/picture') return res.setHeader('Content-Type', 'image/svg+xml').end(picture(session))
    return res.setHeader('Content-Type', 'text/html').end(page(session))
  }
  return { sessions, listener: sess(sessions, handler) }
}

function page(session: Session): string {
  const token = `<input type="hidden" name="_csrf" value="${session.csrfToken()}">`
  return `<!doctype html><h1>${session.subject ?? 'nobody'} ${session.data.count ?? 0}</h1>
<form method="post" action="/sign-in">${token}<input name="subject" value="Ada"><button>Sign in</button></form>
<form method="post" action="/count">${token}<button>Count</button></form>`
}

function picture(session: Session): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${session.subject === null ? 1 : 10}" height="1"/>`
}

const title = (at: { locator: Page['locator'] }) => at.locator('h1').textContent()

describe.skipIf(executablePath === '')(`cookies in Chromium${executablePath === '' ? ' [needs chromium]' : ''}`, () => {
  const sites = new Sites()
  let browser: Browser
  let context: BrowserContext

  beforeAll(async () => {
    browser = await launch(executablePath)
  })

  afterAll(async () => {
    await browser?.close()
    await sites.close()
  })

  beforeEach(async () => {
    context = await browser.newContext()
  })

  afterEach(() => context.close())

  async function signIn(at: { locator: Page['locator'] }): Promise<void> {
    await at.locator('button', { hasText: 'Sign in' }).click()
    await at.locator('h1', { hasText: 'Ada' }).waitFor()
  }

  describe('tossed from a subdomain, over https', () => {
    let demo: RunningDemo
    let evil = 0
    let planted: string[] = []

    beforeAll(async () => {
      demo = await startDemo(0, undefined, undefined, true)
      evil = await sites.secure((_, res) => res.writeHead(200, { 'Set-Cookie': planted }).end('planted'))
    })

    afterAll(() => demo.close())

    it.each(FRAMEWORKS)('none that a sibling plants takes the place of ours, on %s', async (name) => {
      const port = await sites.proxy(demo.servers.find((server) => server.name === name)!.origin)
      const shop = `https://shop.example:${port}`
      const mallory = await browser.newContext()
      const theirs = await mallory.newPage()
      await theirs.goto(shop)
      await theirs.getByLabel('Your name').fill('Mallory')
      await theirs.getByRole('button', { name: 'Sign in' }).click()
      await theirs.getByRole('heading', { name: 'Mallory is signed in' }).waitFor()
      const [{ name: cookie, value } = { name: '', value: '' }] = await mallory.cookies(shop)
      expect(cookie).toBe('__Host-Http-sid')
      await mallory.close()

      const attributes = ['Path=/; Secure; HttpOnly; SameSite=Lax', 'Path=/session; Secure; HttpOnly', 'Path=/; Secure']
      planted = attributes.flatMap((each) =>
        ['; Domain=shop.example', ''].flatMap((domain) =>
          [cookie, '__host-http-sid', '__HOST-HTTP-SID'].map((spelt) => `${spelt}=${value}; ${each}${domain}`),
        ),
      )
      const tab = await context.newPage()
      await tab.goto(`https://evil.shop.example:${evil}/`)
      await tab.evaluate((lines) => {
        // biome-ignore lint/suspicious/noDocumentCookie: it is what an attacker's script has.
        for (const line of lines) document.cookie = line
      }, planted)
      expect(await context.cookies(shop)).toEqual([])

      await tab.goto(shop)
      expect(await tab.locator('.panel h2').first().textContent()).toBe('Nobody is signed in')
      await tab.getByLabel('Your name').fill('Ada')
      await tab.getByRole('button', { name: 'Sign in' }).click()
      await tab.getByRole('heading', { name: 'Ada is signed in' }).waitFor()
      await tab.goto(`https://evil.shop.example:${evil}/`)
      await tab.goto(shop)
      expect(await tab.locator('.panel h2').first().textContent()).toBe('Ada is signed in')
    })

    it('beside one that is shared with subdomains, it makes nobody the planter', async () => {
      const { sessions, listener } = application({ cookie: { domain: 'shop.example' } })
      const shop = `https://www.shop.example:${await sites.secure(listener)}`
      const session = await sessions.open({ secure: true })
      session.signIn('Mallory')
      await session.commit()
      const value = session.toHeaders()[0]?.[1].split(';')[0]
      const tab = await context.newPage()
      await tab.goto(shop)
      await signIn(tab)
      planted = [`${value}; Path=/x; Domain=shop.example; Secure`]
      await tab.goto(`https://evil.shop.example:${evil}/`)
      await tab.goto(`${shop}/x`)
      expect(await title(tab)).toMatch(/^nobody/)
      await tab.goto(shop)
      expect(await title(tab)).toMatch(/^Ada/)
    })
  })

  it('a form with its token is taken by the nist profile, one without is refused', async () => {
    const { sessions, listener } = application({ csrf: 'nist' })
    const refused: string[] = []
    sessions.on('csrf-refused', ({ reason }) => refused.push(reason))
    const tab = await context.newPage()
    await tab.goto(`https://shop.example:${await sites.secure(listener)}`)
    await signIn(tab)
    await tab.locator('button', { hasText: 'Count' }).click()
    await tab.locator('h1', { hasText: 'Ada 1' }).waitFor()
    expect(refused).toEqual([])
    await tab.evaluate(() => {
      for (const field of document.querySelectorAll('[name=_csrf]')) field.remove()
    })
    await tab.locator('button', { hasText: 'Count' }).click()
    await tab.getByText('The request was refused').waitFor()
    expect(refused).toEqual(['token'])
  })

  it('a partitioned cookie signs in per embedding site', async () => {
    const { listener } = application({ cookie: { sameSite: 'none', partitioned: true } })
    const app = `https://app.example:${await sites.secure(listener)}`
    const embedding = await sites.secure((_, res) => {
      res.setHeader('Content-Type', 'text/html').end(`<iframe src="${app}"></iframe>`)
    })
    const tab = await context.newPage()
    const frame = tab.frameLocator('iframe')
    await tab.goto(`https://one.example:${embedding}`)
    await signIn(frame)
    await tab.reload()
    expect(await title(frame)).toBe('Ada 0')
    await frame.locator('button', { hasText: 'Count' }).click()
    await frame.locator('h1', { hasText: 'Ada 1' }).waitFor()
    await tab.goto(`https://two.example:${embedding}`)
    expect(await title(frame)).toBe('nobody 0')
    await tab.goto(app)
    expect(await title(tab)).toBe('nobody 0')
  })

  it('isolation gives other sites no pictures and frames, and links a page', async () => {
    const { sessions, listener } = application({ csrf: { isolation: 'same-origin' }, cookie: { sameSite: 'none' } })
    const refused: string[] = []
    sessions.on('csrf-refused', ({ reason, path }) => refused.push(`${reason} ${path}`))
    const app = `https://app.example:${await sites.secure(listener)}`
    const other = await sites.secure((_, res) => {
      const html = `<img src="${app}/picture"><iframe src="${app}/"></iframe><a href="${app}/">link</a>`
      res.setHeader('Content-Type', 'text/html').end(html)
    })
    const tab = await context.newPage()
    await tab.goto(app)
    await signIn(tab)
    await tab.goto(`https://evil.example:${other}`)
    expect(await tab.locator('img').evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBe(0)
    expect(await tab.frameLocator('iframe').locator('body').textContent()).toContain('The request was refused')
    expect(refused.toSorted()).toEqual(['embedded /', 'embedded /picture'])
    await tab.locator('a').click()
    await tab.locator('h1', { hasText: 'Ada' }).waitFor()
  })

  it('with strict writes a link from elsewhere signs in for reading, and the page’s own forms work', async () => {
    const { listener } = application({ cookie: { strictWrites: true } })
    const app = `https://app.example:${await sites.secure(listener)}`
    const other = await sites.secure((_, res) => {
      res.setHeader('Content-Type', 'text/html').end(`<a href="${app}/">link</a>`)
    })
    const tab = await context.newPage()
    await tab.goto(app)
    await signIn(tab)
    const cookies = (await context.cookies(app)).map(({ name, sameSite }) => [name, sameSite])
    expect(cookies).toContainEqual(['__Host-Http-sid-write', 'Strict'])
    await tab.goto(`https://evil.example:${other}`)
    const [request] = await Promise.all([
      tab.waitForRequest((each) => each.url().startsWith(app)),
      tab.locator('a').click(),
    ])
    await tab.locator('h1', { hasText: 'Ada' }).waitFor()
    const sent = (await request.allHeaders()).cookie ?? ''
    expect([sent.includes('__Host-Http-sid='), sent.includes('-write=')]).toEqual([true, false])
    await tab.locator('button', { hasText: 'Count' }).click()
    await tab.locator('h1', { hasText: 'Ada 1' }).waitFor()
  })
})
