import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RunningDemo, startDemo } from '../src/demo.ts'
import { html } from '../src/html.ts'
import { countdown } from '../src/panels.ts'
import { Browser, checkDemo } from '../src/self-check.ts'

describe('the demo', () => {
  let demo: RunningDemo

  beforeAll(async () => {
    demo = await startDemo(0)
  })

  afterAll(() => demo.close())

  const post = (path: string, fields: Record<string, string>) => {
    const { origin } = demo.servers[0]!
    return fetch(origin + path, {
      method: 'POST',
      headers: { origin },
      body: new URLSearchParams(fields),
      redirect: 'manual',
    })
  }

  it('passes its own check on every framework', async () => {
    const { table } = await checkDemo(demo)
    expect(table).toMatch(/All is well\.$/)
    expect(table.match(/✓/g)).toHaveLength(50)
  })

  it('reports what is wrong, and where', async () => {
    const broken = { ...demo, servers: demo.servers.map((server) => ({ ...server, name: 'Koa' as const })) }
    const { ok, table } = await checkDemo(broken)
    expect(ok).toBe(false)
    expect(table).toContain('Koa, a visitor gets the page and no cookie: AssertionError')
  })

  it.each(['Express', 'Fastify', 'Koa', 'Hono', 'node:http'])('answers 404 and 413 on %s', async (name) => {
    const { origin } = demo.servers.find((server) => server.name === name)!
    expect((await fetch(`${origin}/nothing-here`)).status).toBe(404)
    const body = new URLSearchParams({ note: 'x'.repeat(20_000) })
    expect((await fetch(`${origin}/note`, { method: 'POST', headers: { origin }, body })).status).toBe(413)
  })

  it('shows a name as text, whatever it contains', async () => {
    const response = await post('/sign-in', { subject: '<script>alert(1)</script>' })
    const cookie = response.headers.getSetCookie()[0]!.split(';')[0]!
    const page = await (await fetch(demo.servers[1]!.origin, { headers: { cookie } })).text()
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt; is signed in')
    expect(page).not.toContain('<script>alert(1)')
  })

  it('keeps a name with line breaks from adding fields to the event stream', async () => {
    await post('/sign-in', { subject: 'Ada\rid: 1\r\nretry: 99' })
    const { body } = await fetch(`${demo.servers[0]!.origin}/events?after=${demo.events.last - 1}`)
    const reader = body!.getReader()
    let text = ''
    while (!text.includes('</li>')) text += new TextDecoder().decode((await reader.read()).value)
    await reader.cancel()
    expect(text.match(/^(?:id|retry|data)/gm)).toEqual(['retry', 'id', 'data'])
    expect(text).toContain('Ada id: 1 retry: 99')
  })

  it('asks for a name', async () => {
    const response = await post('/sign-in', { subject: '  ' })
    expect(response.headers.getSetCookie()).toEqual([])
    const page = await (await fetch(demo.servers[0]!.origin + response.headers.get('location'))).text()
    expect(page).toContain('it needs one')
  })

  it('says which port is taken', async () => {
    const blocker = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => blocker.once('listening', resolve))
    const { port } = blocker.address() as { port: number }
    await expect(startDemo(port)).rejects.toMatchObject({ code: 'EADDRINUSE', port })
    await new Promise((resolve) => blocker.close(resolve))
  })

  it.each(['Express', 'Fastify', 'Koa', 'Hono', 'node:http'])(
    'outlives readers of events that leave on %s',
    async (name) => {
      const { origin } = demo.servers.find((server) => server.name === name)!
      const streams = demo.events.streams
      for (let turn = 0; turn < 20; turn += 1) {
        const leave = new AbortController()
        const { body } = await fetch(`${origin}/events`, { signal: leave.signal })
        await body?.getReader().read()
        await post('/sign-in', { subject: 'Ada' })
        leave.abort()
        await post('/sign-in', { subject: 'Grace' })
      }
      await expect.poll(() => demo.events.streams).toBe(streams)
    },
  )

  it('ends event streams when it closes', async () => {
    const other = await startDemo(0)
    const streams = await Promise.all(other.servers.map(({ origin }) => fetch(`${origin}/events`)))
    const texts = Promise.all(streams.map((stream) => stream.text()))
    await other.close()
    expect(await texts).toEqual(Array(5).fill('retry: 1000\n\n'))
  })
})

describe('with a clock that is moved', () => {
  let demo: RunningDemo
  let now: number
  let browser: Browser

  beforeEach(async () => {
    now = Date.UTC(2030, 0)
    demo = await startDemo(0, { now: () => now })
    browser = new Browser(demo.servers[0]!)
    await browser.post('/sign-in', { subject: 'Ada' })
  })

  afterEach(() => demo.close())

  it('loses no write and signs nobody out while tokens rotate', async () => {
    for (let turn = 1; turn <= 5; turn += 1) {
      now += 61_000
      await browser.post('/parallel-writes')
      now += 1_000
      await browser.get('/')
      const { subject, data, generation } = await browser.session()
      expect({ subject, counter: data.counter, generation }).toEqual({
        subject: 'Ada',
        counter: 20 * turn,
        generation: turn,
      })
    }
  })

  it('says that a session is over, and is not kept alive by its page refreshing itself', async () => {
    now += 299_000
    await browser.get('/?refresh')
    await (await browser.get('/events')).body?.cancel()
    now += 1_000
    expect(await (await browser.get('/')).text()).toContain('Your last session is over: <b>idle</b>')
  })

  it('is kept alive by looking at the page', async () => {
    now += 299_000
    await browser.get('/')
    now += 299_000
    expect((await browser.session()).subject).toBe('Ada')
  })
})

describe('html', () => {
  it('escapes what is put in, but for markup', () => {
    expect(html`<a title="${`"'`}">${['<', html`<b>`]}${null}${false}${0}</a>`.toString()).toBe(
      '<a title="&quot;&#39;">&lt;<b>0</a>',
    )
  })
})

describe('countdown', () => {
  it.each([
    [0, '0:00'],
    [1, '0:01'],
    [61_000, '1:01'],
    [3_600_000, '1:00:00'],
  ])('shows %i ms as %s', (ms, text) => {
    expect(countdown(ms)).toBe(text)
  })
})
