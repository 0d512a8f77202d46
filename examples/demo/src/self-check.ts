import assert from 'node:assert/strict'
import type { DemoServer, RunningDemo } from './demo.ts'
import type { SignOutRace } from './experiments.ts'
import type { SessionDescription } from './visitor.ts'

/** A browser as far as cookies go: one jar for the whole host, whatever the port. */
export class Browser {
  cookie = ''
  readonly #server: DemoServer
  readonly #own: Readonly<Record<string, string>>

  /** Says that it is this `userAgent`, or what fetch says. */
  constructor(server: DemoServer, userAgent?: string) {
    this.#server = server
    this.#own = { accept: 'application/json', ...(userAgent !== undefined && { 'user-agent': userAgent }) }
  }

  /** Another `cookie` than the jar's is sent as it is, and the jar left alone. */
  async get(path: string, server: DemoServer = this.#server, cookie: string = this.cookie): Promise<Response> {
    const response = await fetch(server.origin + path, { headers: { ...this.#own, cookie } })
    return cookie === this.cookie ? this.#keep(response) : response
  }

  async session(server?: DemoServer, cookie?: string): Promise<SessionDescription> {
    const response = await this.get('/session', server, cookie)
    assert.equal(response.status, 200)
    // What `GET /session` answers with.
    return (await response.json()) as SessionDescription
  }

  async post(
    path: string,
    fields: Record<string, string> = {},
    origin: string = this.#server.origin,
  ): Promise<Response> {
    const response = await fetch(this.#server.origin + path, {
      method: 'POST',
      redirect: 'manual',
      headers: { ...this.#own, cookie: this.cookie, origin },
      body: new URLSearchParams(fields),
    })
    return this.#keep(response)
  }

  #keep(response: Response): Response {
    const [set] = response.headers.getSetCookie()
    if (set !== undefined) this.cookie = set.slice(0, set.indexOf(';'))
    return response
  }
}

interface Check {
  readonly title: string
  run(browser: Browser, server: DemoServer, demo: RunningDemo): Promise<void>
}

const SLOW_MS = '150'
const TOKEN = /^sid=[\w-]{43}\.\d+\.[\w-]{43}$/

/** In this order, with one browser per framework. */
const CHECKS: readonly Check[] = [
  {
    title: 'a visitor gets the page and no cookie',
    async run(browser, { name }) {
      const response = await browser.get('/')
      assert.equal(response.status, 200)
      assert.match(await response.text(), new RegExp(`Answered by <em>${name}</em>`))
      assert.deepEqual(response.headers.getSetCookie(), [])
    },
  },
  {
    title: 'sign-in: cookie and its attributes',
    async run(browser, { name }) {
      const response = await browser.post('/sign-in', { subject: name })
      assert.equal(response.status, 303)
      assert.match(browser.cookie, TOKEN)
      assert.deepEqual(response.headers.getSetCookie(), [`${browser.cookie}; Path=/; HttpOnly; SameSite=Lax`])
      assert.match(response.headers.get('cache-control') ?? '', /no-store/)
    },
  },
  {
    title: 'data: saved, and seen on all five',
    async run(browser, { name }, { servers }) {
      await browser.post('/note', { note: `by ${name}` })
      for (const server of servers) {
        const { subject, data } = await browser.session(server)
        assert.deepEqual({ subject, note: data.note }, { subject: name, note: `by ${name}` })
      }
    },
  },
  {
    title: '20 parallel writes: 20 arrive',
    async run(browser) {
      await browser.post('/parallel-writes')
      const { data } = await browser.session()
      const written = Object.keys(data).filter((key) => key.startsWith('write-'))
      assert.deepEqual({ written: written.length, counter: data.counter }, { written: 20, counter: 20 })
    },
  },
  {
    title: 'step-up: a new token, the old one is dead',
    async run(browser) {
      const old = browser.cookie
      await browser.post('/step-up')
      assert.match(browser.cookie, TOKEN)
      assert.notEqual(browser.cookie, old)
      assert.equal((await browser.session()).state, 'authenticated')
      assert.equal((await browser.session(undefined, old)).state, 'anonymous')
    },
  },
  {
    title: "another origin's form is refused",
    async run(browser) {
      const response = await browser.post('/sign-out', {}, 'http://127.0.0.1:1')
      assert.equal(response.status, 403)
      assert.equal((await browser.session()).state, 'authenticated')
    },
  },
  {
    title: 'sign-out during a slow write: 409, stays out',
    async run(browser, _, { servers }) {
      const old = browser.cookie
      const response = await browser.post('/sign-out-race', { ms: SLOW_MS })
      // What `POST /sign-out-race` answers with.
      const { status, code } = (await response.json()) as SignOutRace
      assert.deepEqual({ status, code }, { status: 409, code: 'ERR_SESS_INTERRUPTED' })
      assert.equal(browser.cookie, 'sid=')
      for (const server of servers) {
        const { state, data } = await browser.session(server, old)
        assert.deepEqual({ state, data }, { state: 'anonymous', data: {} })
      }
    },
  },
  {
    title: 'lifecycle events are streamed, without secrets',
    async run(browser, { name }) {
      const response = await browser.get('/events?after=0')
      assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/)
      const text = await readUntil(response, 'data-type="ended"')
      assert.match(text, new RegExp(`data-type="signed-in".*${name}`))
      assert.doesNotMatch(text, /\.\d+\.[\w-]{43}/)
    },
  },
  {
    title: 'a stream ends with its session',
    async run(browser, { name }) {
      await browser.post('/sign-in', { subject: name })
      const response = await browser.get('/events')
      await browser.post('/sign-out')
      assert.match(await readUntil(response, 'event: over'), /event: over\ndata: signed-out/)
    },
  },
  {
    title: 'devices: another is signed out, and told why',
    async run(browser, server) {
      const other = new Browser(server, FIREFOX)
      for (const each of [browser, other]) await each.post('/sign-in', { subject: server.name })
      assert.match(await (await browser.get('/')).text(), /Firefox on Windows/)
      const { handle } = await other.session()
      const stream = await other.get('/events')
      const began = performance.now()
      await browser.post('/devices/end', { handle: handle ?? '' })
      assert.match(await readUntil(stream, 'event: over'), /event: over\ndata: revoked/)
      assert.ok(performance.now() - began < 1000, 'it was told too late')
      assert.match(await (await other.get('/')).text(), /signed out from another of your devices/)
      assert.equal((await browser.session()).state, 'authenticated')
    },
  },
]

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0'

async function readUntil(response: Response, mark: string): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.includes(mark)) break
  }
  return text
}

/** Goes through the demo like a browser, once per framework, and says how it went. */
export async function checkDemo(demo: RunningDemo): Promise<{ readonly ok: boolean; readonly table: string }> {
  const rows = CHECKS.map(({ title }) => [title])
  const failures: string[] = []
  for (const server of demo.servers) {
    const browser = new Browser(server)
    for (const [index, { title, run }] of CHECKS.entries()) {
      const failure = await run(browser, server, demo).then(() => null, String)
      if (failure !== null) failures.push(`${server.name}, ${title}: ${failure}`)
      rows[index]?.push(failure === null ? '✓' : '✗')
    }
  }
  const table = format([['', ...demo.servers.map(({ name }) => name)], ...rows])
  const summary = failures.length === 0 ? 'All is well.' : failures.join('\n\n')
  return { ok: failures.length === 0, table: `${table}\n\n${summary}` }
}

function format(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
