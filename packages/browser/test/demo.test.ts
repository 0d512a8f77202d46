import { type FrameworkName, type RunningDemo, startDemo } from '@sess/demo'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { launch } from './sites.ts'

const executablePath = inject('chromium')
const FRAMEWORKS: FrameworkName[] = ['Express', 'Fastify', 'Koa', 'Hono', 'node:http']

let demo: RunningDemo
let browser: Browser
let context: BrowserContext
let complaints: string[]

/** A window with cookies of its own. */
async function openWindow(options: BrowserContextOptions = {}): Promise<void> {
  context = await browser.newContext(options)
  context.on('weberror', (error) => complaints.push(String(error.error())))
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
}

async function open(framework: FrameworkName): Promise<Page> {
  const page = await context.newPage()
  await page.goto(demo.servers.find(({ name }) => name === framework)!.origin)
  return page
}

async function signIn(page: Page, name: string): Promise<void> {
  await page.getByLabel('Your name').fill(name)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: `${name} is signed in` }).waitFor()
}

const heading = (page: Page) => page.locator('.panel h2').first().textContent()
const state = (page: Page) => page.locator('.states [aria-current]').textContent()
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()
const outcome = (page: Page) => page.locator('.outcome').textContent()

describe.skipIf(executablePath === '')(
  `the demo in Chromium${executablePath === '' ? ' [needs chromium]' : ''}`,
  () => {
    beforeAll(async () => {
      demo = await startDemo(0)
      // Its profile is a temporary folder that goes away with it.
      browser = await launch(executablePath)
    })

    afterAll(async () => {
      await browser?.close()
      await demo?.close()
    })

    beforeEach(() => {
      complaints = []
    })

    afterEach(async () => {
      await context.close()
      expect(complaints).toEqual([])
    })

    for (const [scripts, javaScriptEnabled] of [['on', true] as const, ['off', false] as const]) {
      describe(`with scripts ${scripts}`, () => {
        beforeEach(() => openWindow({ javaScriptEnabled }))

        it.each(FRAMEWORKS)('is signed in on all five after a sign-in on %s', async (framework) => {
          const page = await open(framework)
          expect(await heading(page)).toBe('Nobody is signed in')
          await signIn(page, 'Ada')
          await page.getByLabel('A note').fill(`from ${framework}`)
          await press(page, 'Save')
          await page.locator(`#note[value="from ${framework}"]`).waitFor()
          for (const other of FRAMEWORKS) {
            await page.getByRole('navigation').getByRole('link', { name: other }).click()
            await page.getByRole('heading', { name: `Answered by ${other}` }).waitFor()
            expect(await heading(page)).toBe('Ada is signed in')
            expect(await page.getByLabel('A note').inputValue()).toBe(`from ${framework}`)
          }
        })

        it('loses none of 20 parallel writes', async () => {
          const page = await open('Fastify')
          await signIn(page, 'Ada')
          await press(page, '20 parallel writes')
          expect(await outcome(page)).toContain('20 of 20 arrived')
          expect(await page.locator('.lamps [data-arrived="true"]').count()).toBe(20)
          expect(await page.locator('.counter').textContent()).toBe('20')
        })

        it('stays signed out though a slow request saves later', async () => {
          const page = await open('Hono')
          await signIn(page, 'Ada')
          await press(page, 'Sign out mid-request')
          const text = await outcome(page)
          expect(text).toContain('You stay signed out')
          expect(text).toContain('409 ERR_SESS_INTERRUPTED')
          expect(text).toContain('anonymous everywhere')
          expect(await context.cookies()).toEqual([])
          for (const framework of FRAMEWORKS) expect(await heading(await open(framework))).toBe('Nobody is signed in')
        })

        it('signs out', async () => {
          const page = await open('Koa')
          await signIn(page, 'Ada')
          expect(await context.cookies()).toMatchObject([{ name: 'sid', httpOnly: true, sameSite: 'Lax', path: '/' }])
          await press(page, 'Sign out')
          await page.getByRole('heading', { name: 'Nobody is signed in' }).waitFor()
          expect(await state(page)).toBe('anonymous')
          expect(await context.cookies()).toEqual([])
        })

        it('steps up, rotates, locks and unlocks', async () => {
          const page = await open('node:http')
          await signIn(page, 'Ada')
          await press(page, 'Step up')
          await page.getByText('level 2').waitFor()
          await press(page, 'Rotate token')
          await page.locator('.generation', { hasText: '2' }).waitFor()
          await press(page, 'Lock')
          await page.getByRole('heading', { name: 'Locked' }).waitFor()
          expect(await state(page)).toBe('locked')
          expect(await page.getByText('Hidden while the session is locked').isVisible()).toBe(true)
          await press(page, 'Unlock')
          await page.getByRole('heading', { name: 'Ada is signed in' }).waitFor()
          expect(await page.locator('.generation').textContent()).toBe('3')
        })

        it('shows a name that is markup as text, in the page and in the events', async () => {
          const name = '<img src=x onerror=alert(1)>'
          const page = await open('Express')
          await signIn(page, name)
          const event = page.locator('#lifecycle li').filter({ hasText: 'signed-in' }).first()
          expect(await event.locator('.who').textContent()).toBe(name)
          expect(await page.locator('img').count()).toBe(0)
        })

        it('keeps a note from before the sign-in', async () => {
          const page = await open('Koa')
          await page.getByLabel('A note').fill('written as a visitor')
          await press(page, 'Save')
          await page.locator('.handle').waitFor()
          expect(await state(page)).toBe('anonymous')
          await signIn(page, 'Ada')
          expect(await page.getByLabel('A note').inputValue()).toBe('written as a visitor')
        })
      })
    }

    it('shows events as they happen, and marks its own', async () => {
      await openWindow()
      const page = await open('Express')
      await page.getByText('Live.').waitFor()
      const other = await open('Koa')
      await signIn(other, 'Grace')
      const item = page.locator('#lifecycle li').filter({ hasText: 'Grace' }).first()
      await item.waitFor()
      expect(await item.locator('b').textContent()).toBe('signed-in')
      await page.locator('#lifecycle li.own').filter({ hasText: 'Grace' }).waitFor()
    })

    it('follows what happens in another tab on another server', async () => {
      await openWindow()
      const page = await open('Fastify')
      await page.getByText('Live.').waitFor()
      const other = await open('Hono')
      await signIn(other, 'Ada')
      await page.getByRole('heading', { name: 'Ada is signed in' }).waitFor()
      await press(other, 'Sign out')
      await page.getByRole('heading', { name: 'Nobody is signed in' }).waitFor()
    })

    it.each([false, true])(
      'says at once that another browser has signed it out, and why (half typed: %s)',
      async (typing) => {
        await openWindow()
        const page = await open('Koa')
        await signIn(page, 'Ada')
        await page.getByText('Live.').waitFor()
        if (typing) await page.getByLabel('A note').fill('half a')
        const elsewhere = await browser.newContext()
        try {
          const other = await elsewhere.newPage()
          await other.goto(page.url().replace(/\/$/, ''))
          await signIn(other, 'Ada')
          await press(other, 'Sign out all others')
          await page.getByText('You were signed out from another of your devices.').waitFor({ timeout: 1000 })
          if (typing) return
          await page.getByRole('heading', { name: 'Nobody is signed in' }).waitFor()
          // The stream connects anew, and the page follows what comes.
          await page.getByText('Live.').waitFor()
          await press(other, 'Add one')
          await press(other, 'Step up')
          await page.locator('#lifecycle li').filter({ hasText: 'reauthenticated' }).first().waitFor()
          await page.waitForTimeout(500)
          expect(await page.getByText('You were signed out from another of your devices.').count()).toBe(1)
        } finally {
          await elsewhere.close()
        }
      },
    )

    it('shows no answer that a newer one has overtaken', async () => {
      await openWindow()
      const page = await open('Fastify')
      await signIn(page, 'Ada')
      const note = page.getByLabel('A note')
      let arrive = () => {}
      const arrived = new Promise<void>((resolve) => {
        arrive = resolve
      })
      let fetched = () => {}
      const overtaken = new Promise<void>((resolve) => {
        fetched = resolve
      })
      await page.route(/[?&]refresh/, async (route) => {
        const response = await route.fetch()
        fetched()
        await arrived
        await route.fulfill({ response })
      })
      await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
      await overtaken
      await note.fill('newer')
      await press(page, 'Save')
      await page.locator('#note[value="newer"]').waitFor()
      const answer = page.waitForResponse(/[?&]refresh/)
      arrive()
      await (await answer).finished()
      await page.waitForTimeout(100)
      expect(await note.inputValue()).toBe('newer')
      await page.unrouteAll({ behavior: 'wait' })
    })

    it('counts the deadlines down', async () => {
      await openWindow()
      const page = await open('Express')
      await signIn(page, 'Ada')
      await page.clock.install({ time: Date.now() })
      await page.reload()
      const times = () => page.locator('time[data-countdown]').allInnerTexts()
      const seconds = (text = '') => text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
      const before = await times()
      expect(before).toHaveLength(2)
      await page.clock.runFor(90_000)
      const after = await times()
      for (const index of [0, 1]) expect(seconds(before[index]) - seconds(after[index])).toBeGreaterThanOrEqual(89)
    })

    it('keeps the focus on the button that was pressed', async () => {
      await openWindow()
      const page = await open('Express')
      await signIn(page, 'Ada')
      await page.getByRole('button', { name: 'Add one' }).focus()
      for (const counter of ['1', '2']) {
        await page.keyboard.press('Enter')
        await page.locator('.counter', { hasText: counter }).waitFor()
      }
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Add one')
    })

    it.each([320, 390, 768, 1280])('fits a window %i pixels wide', async (width) => {
      await openWindow({ viewport: { width, height: 800 } })
      const page = await open('node:http')
      await signIn(page, 'A rather long name that nobody has, say')
      await press(page, '20 parallel writes')
      await page.locator('.outcome').waitFor()
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
    })
  },
)
