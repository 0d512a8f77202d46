import { type FrameworkName, type RunningDemo, startDemo } from '@sess/demo'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { launch, Sites } from './sites.ts'

const executablePath = inject('chromium')
const FRAMEWORKS: FrameworkName[] = ['Express', 'Fastify', 'Koa', 'Hono', 'node:http']

const PATIENCE = { timeout: 15_000 }

/** A page that attacks a path of `target` as soon as it is open. */
type Attack = (target: string) => string

const form = (target: string, attributes = '', fields = '<input name="note" value="defaced">'): string =>
  `<form method="post" action="${target}" ${attributes}>${fields}</form><script>document.forms[0].submit()</script>`
const script = (code: string): string => `<script>${code}</script>`

/** Attacks that reach the server, whose answer tells whether it fell for them. */
const posts: Readonly<Record<string, Attack>> = {
  'a form that submits itself': (target) => form(target),
  'a form in a hidden frame': (target) => `<iframe name="f" hidden></iframe>${form(target, 'target="f"')}`,
  'a form with files': (target) => form(target, 'enctype="multipart/form-data"'),
  'a form of plain text': (target) => form(target, 'enctype="text/plain"'),
  'a form in a sandboxed frame': (target) =>
    `<iframe hidden sandbox="allow-forms allow-scripts" srcdoc='${form(target)}'></iframe>`,
  'fetch without CORS': (target) =>
    script(`fetch('${target}', { method: 'POST', mode: 'no-cors', credentials: 'include', body: 'note=defaced' })`),
  'fetch with CORS': (target) =>
    script(
      `fetch('${target}', { method: 'POST', credentials: 'include', body: new URLSearchParams({ note: 'defaced' }) })`,
    ),
  'XMLHttpRequest with cookies': (target) =>
    script(
      `const x = new XMLHttpRequest(); x.open('POST', '${target}'); x.withCredentials = true; x.send('note=defaced')`,
    ),
  sendBeacon: (target) => script(`navigator.sendBeacon('${target}', new URLSearchParams({ note: 'defaced' }))`),
}

/** Attacks that are stopped by the browser, or are no change: the demo changes nothing on GET. */
const others: Readonly<Record<string, Attack>> = {
  'an image': (target) => `<img src="${target}">`,
  'a script': (target) => `<script src="${target}"></script>`,
  'a frame': (target) => `<iframe src="${target}"></iframe>`,
  'a link that is followed': (target) => script(`location.href = '${target}'`),
  'a form by GET': (target) => `<form action="${target}"></form><script>document.forms[0].submit()</script>`,
  'fetch with JSON': (target) =>
    script(
      `fetch('${target}', { method: 'POST', credentials: 'include', headers: { 'Content-Type': 'application/json' }, body: '{"note":"defaced"}' })`,
    ),
  'fetch by PUT': (target) =>
    script(`fetch('${target}', { method: 'PUT', credentials: 'include', body: 'note=defaced' })`),
}

describe.skipIf(executablePath === '')(
  `attacks on the demo in Chromium${executablePath === '' ? ' [needs chromium]' : ''}`,
  () => {
    const sites = new Sites()
    let browser: Browser
    let demo: RunningDemo
    let page = ''
    let attackerPort: number

    beforeAll(async () => {
      browser = await launch(executablePath)
      demo = await startDemo(0)
      attackerPort = await sites.plain((_, res) => res.setHeader('Content-Type', 'text/html').end(page))
    })

    afterAll(async () => {
      await browser?.close()
      await demo?.close()
      await sites.close()
    })

    // The same host at another port is the same site, so the cookie comes along: only the server can tell.
    describe.each([
      ['another port of the host', '127.0.0.1'],
      ['another site', 'evil.example'],
    ])('from %s', (_, attacker) => {
      describe.each(FRAMEWORKS)('on %s', (framework) => {
        let context: BrowserContext
        let victim: string
        /** Paths of the requests that were refused. */
        const refused: string[] = []
        let stop: () => void

        const session = async () => (await context.request.get(`${victim}/session`)).json()
        const signedIn = { state: 'authenticated', subject: 'Ada', data: { note: 'mine' } }

        beforeAll(async () => {
          victim = demo.servers.find(({ name }) => name === framework)!.origin
          stop = demo.sessions.on('csrf-refused', ({ enforced, path }) => enforced && refused.push(path ?? ''))
          context = await browser.newContext()
          const own = await context.newPage()
          await own.goto(victim)
          await own.getByLabel('Your name').fill('Ada')
          await own.getByRole('button', { name: 'Sign in' }).click()
          // The page that is left has the field, too.
          await own.getByRole('heading', { name: 'Ada is signed in' }).waitFor()
          await own.getByLabel('A note').fill('mine')
          await own.getByRole('button', { name: 'Save' }).click()
          await own.locator('#note[value="mine"]').waitFor()
          await own.close()
        })

        beforeEach(() => {
          refused.length = 0
        })

        afterAll(async () => {
          stop()
          await context.close()
        })

        /** Opens the attacker's page; what `seen` waits for. */
        async function attack<T>(html: string, seen: (page: Page) => Promise<T>, from = context): Promise<T> {
          page = `<!doctype html><title>Win a prize</title>${html}`
          const tab = await from.newPage()
          try {
            // The page navigates on at once, which this navigation may not survive.
            tab.goto(`http://${attacker}:${attackerPort}/`, { waitUntil: 'commit' }).catch(() => {})
            return await seen(tab)
          } finally {
            // Not awaited: Chromium does not answer while the form is on its way.
            tab.close().catch(() => {})
          }
        }

        it.each(Object.keys(posts))('%s is refused', async (name) => {
          for (const path of ['/note', '/sign-out']) {
            await attack(posts[name]!(victim + path), () => expect.poll(() => refused, PATIENCE).toContain(path))
          }
          expect(refused).toEqual(['/note', '/sign-out'])
          expect(await session()).toMatchObject(signedIn)
        })

        it('a form that signs the victim in as the attacker is refused with a page of 403', async () => {
          const html = form(`${victim}/sign-in`, '', '<input name="subject" value="Mallory">')
          const text = await attack(html, async (tab) => {
            await tab.getByText('The request was refused').waitFor()
            return tab.url()
          })
          expect(text).toBe(`${victim}/sign-in`)
          expect(await session()).toMatchObject(signedIn)
          const stranger = await browser.newContext()
          await attack(html, (tab) => tab.getByText('The request was refused').waitFor(), stranger)
          expect(await stranger.cookies()).toEqual([])
          expect(refused).toEqual(['/sign-in', '/sign-in'])
          await stranger.close()
        })

        it.each(Object.keys(others))('%s changes nothing', async (name) => {
          for (const path of ['/note', '/sign-out']) {
            const target = victim + path
            await attack(others[name]!(target), (tab) =>
              Promise.race([
                tab.waitForEvent('requestfinished', (sent) => sent.url().startsWith(target)),
                tab.waitForEvent('requestfailed', (sent) => sent.url().startsWith(target)),
              ]),
            )
          }
          expect(await session()).toMatchObject(signedIn)
        })

        it('a frame of the page stays empty, and a fetch of it cannot be read', async () => {
          const framed = `<iframe src="${victim}/"></iframe>`
          const read = script(
            `fetch('${victim}/session', { credentials: 'include' }).then((r) => r.text()).then((t) => (document.title = t), () => (document.title = 'nothing'))`,
          )
          const [title, text] = await attack(framed + read, async (tab) => {
            await tab.waitForFunction(() => document.title !== 'Win a prize' && document.title !== '')
            const frame = tab.frames()[1]
            return [await tab.title(), await frame?.evaluate(() => document.body?.textContent).catch(() => '')]
          })
          expect(title).toBe('nothing')
          expect(text).not.toContain('Ada')
        })

        it('a link to the page works, and is signed in', async () => {
          const title = await attack(`<a href="${victim}/">Prize</a>`, async (tab) => {
            await tab.getByRole('link').click()
            await tab.getByRole('heading', { name: 'Ada is signed in' }).waitFor()
            return tab.title()
          })
          expect(title).toContain('Ada')
          expect(refused).toEqual([])
        })
      })
    })
  },
)
