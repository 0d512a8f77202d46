import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FrameworkName, type RunningDemo, startDemo } from '../src/demo.ts'
import { Browser } from '../src/self-check.ts'

const FRAMEWORKS: FrameworkName[] = ['Express', 'Fastify', 'Koa', 'Hono', 'node:http']
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0'

let demo: RunningDemo
let now: number
let people = 0

beforeAll(async () => {
  now = Date.UTC(2030, 0)
  demo = await startDemo(0, { now: () => now })
})

afterAll(() => demo.close())

const serverOf = (name: FrameworkName) => demo.servers.find((server) => server.name === name)!
const somebody = (): string => `Ada ${++people}`

async function signedIn(subject: string, name: FrameworkName = 'Express', userAgent?: string): Promise<Browser> {
  const browser = new Browser(serverOf(name), userAgent)
  await browser.post('/sign-in', { subject })
  return browser
}

const handleOf = async (browser: Browser): Promise<string> => (await browser.session()).handle ?? ''
const pageOf = async (browser: Browser): Promise<string> => (await browser.get('/')).text()
const handlesIn = (page: string): string[] => [...page.matchAll(/data-device="([^"]+)"/g)].map(([, handle]) => handle!)

/** The page that the browser is sent to. */
async function follow(browser: Browser, response: Response): Promise<string> {
  expect(response.status).toBe(303)
  return (await browser.get(response.headers.get('location')!)).text()
}

const WHY = 'Your last session is over: <b>revoked</b>. You were signed out from another of your devices.'

describe.each(FRAMEWORKS)('devices on %s', (name) => {
  it('shows this one first, and names the others', async () => {
    const subject = somebody()
    const own = await signedIn(subject, name)
    now += 120_000
    const other = await signedIn(subject, name, FIREFOX)
    const page = await pageOf(own)
    expect(handlesIn(page)).toEqual([await handleOf(own), await handleOf(other)])
    expect(page).toContain('<b>this device</b>')
    expect(page).toContain('Firefox on Windows')
    expect(page).toContain('127.0.0.1 · last used just now')
  })

  it('signs out one, and no other', async () => {
    const subject = somebody()
    const [own, other, third] = [await signedIn(subject, name), await signedIn(subject, name), await signedIn(subject)]
    await own.post('/devices/end', { handle: await handleOf(other) })
    expect(await pageOf(other)).toContain(WHY)
    expect(handlesIn(await pageOf(own))).toEqual([await handleOf(own), await handleOf(third)])
  })

  it('signs out all others, and says how many', async () => {
    const subject = somebody()
    const others = [await signedIn(subject, name), await signedIn(subject)]
    const own = await signedIn(subject, name)
    const end = () => own.post('/devices/end-others')
    expect(await follow(own, await end())).toContain('2 other devices are signed out now.')
    for (const other of others) expect(await pageOf(other)).toContain(WHY)
    expect(await pageOf(own)).toContain('<button disabled>Sign out all others</button>')
    await signedIn(subject)
    expect(await follow(own, await end())).toContain('One other device is signed out now.')
  })

  it('signs out everywhere, here too', async () => {
    const subject = somebody()
    const [own, other] = [await signedIn(subject, name), await signedIn(subject)]
    const stream = await other.get('/events')
    const page = await follow(own, await own.post('/devices/end-all'))
    expect(page).toContain('Nobody is signed in')
    expect(own.cookie).toBe('sid=')
    expect(await stream.text()).toContain(
      `event: over\ndata: revoked\ndata: <p class="hint why" role="status">${WHY}</p>`,
    )
    expect(await pageOf(other)).toContain(WHY)
  })

  it('takes a form token from a browser that does not tell where it comes from', async () => {
    const browser = await signedIn(somebody(), name)
    const { origin } = serverOf(name)
    const forms = [...(await pageOf(browser)).matchAll(/<form[^>]* action="(\/[^"]*)">([\s\S]*?)<\/form>/g)]
    expect(forms.map(([, action]) => action)).toEqual(expect.arrayContaining(['/sign-out', '/devices/end', '/note']))
    const post = (fields: Record<string, string>) =>
      fetch(`${origin}/note`, {
        method: 'POST',
        headers: { cookie: browser.cookie },
        body: new URLSearchParams(fields),
        redirect: 'manual',
      })
    expect((await post({ note: 'x' })).status).toBe(403)
    for (const [form] of forms) {
      const [, token = ''] = /name="_csrf" value="([^"]+)"/.exec(form) ?? []
      expect((await post({ note: form, _csrf: token })).status).toBe(303)
    }
  })
})

it("signs out this device by its own button, which clears the browser's cookie", async () => {
  const browser = await signedIn(somebody())
  await browser.post('/devices/end', { handle: await handleOf(browser) })
  expect(browser.cookie).toBe('sid=')
})

it("leaves somebody else's session alone, and what is no handle", async () => {
  const [mallory, ada] = [await signedIn(somebody()), await signedIn(somebody())]
  for (const handle of [await handleOf(ada), 'nonsense', '']) {
    const page = await follow(mallory, await mallory.post('/devices/end', { handle }))
    expect(page).toContain('You have no such device.')
  }
  expect((await ada.session()).state).toBe('authenticated')
})

it.each(['/devices/end', '/devices/end-others', '/devices/end-all'])(
  'does nothing for visitors on %s',
  async (path) => {
    const ada = await signedIn(somebody())
    const visitor = new Browser(serverOf('Koa'))
    expect(await follow(visitor, await visitor.post(path, { handle: await handleOf(ada) }))).toContain('Sign in first')
    expect((await ada.session()).state).toBe('authenticated')
    expect(await pageOf(visitor)).not.toContain('data-device')
  },
)

it('shows a locked one, which sees no devices itself', async () => {
  const subject = somebody()
  const [own, other] = [await signedIn(subject), await signedIn(subject)]
  await other.post('/lock')
  expect(await pageOf(own)).toContain('· locked')
  const page = await pageOf(other)
  expect(page).toContain('_csrf')
  expect(handlesIn(page)).toEqual([])
})

it('shows twenty, and how many more there are', async () => {
  const subject = somebody()
  const browser = await signedIn(subject)
  for (let more = 0; more < 21; more += 1) await signedIn(subject)
  const page = await pageOf(browser)
  expect(handlesIn(page)).toHaveLength(20)
  expect(page).toContain('And 2 more.')
})

it('says of a device when it was used last', async () => {
  const subject = somebody()
  await signedIn(subject)
  now += 61_000
  const browser = await signedIn(subject)
  expect(await pageOf(browser)).toContain('last used a minute ago')
  now += 61_000
  expect(await pageOf(browser)).toContain('last used 2 minutes ago')
})
