import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DemoServer, type FrameworkName, type RunningDemo, startDemo } from '../src/demo.ts'
import { Browser } from '../src/self-check.ts'

const FRAMEWORKS: FrameworkName[] = ['Express', 'Fastify', 'Koa', 'Hono', 'node:http']

let demo: RunningDemo
let now: number
let server: DemoServer

function use(name: FrameworkName): Browser {
  server = demo.servers.find((each) => each.name === name)!
  return new Browser(server)
}

async function signedIn(name: FrameworkName, subject = 'Ada'): Promise<Browser> {
  const browser = use(name)
  await browser.post('/sign-in', { subject })
  return browser
}

/** What the servers make of a cookie. */
async function states(cookie: string): Promise<string[]> {
  const browser = new Browser(server)
  return Promise.all(demo.servers.map(async (each) => (await browser.session(each, cookie)).state))
}

const nobody = Array(5).fill('anonymous')

beforeEach(async () => {
  now = Date.UTC(2030, 0)
  demo = await startDemo(0, { now: () => now })
})

afterEach(() => demo.close())

describe.each(FRAMEWORKS)('fixation on %s', (name) => {
  it('a session planted before the sign-in is not the one that is signed in', async () => {
    const attacker = use(name)
    await attacker.post('/note', { note: 'planted' })
    const victim = use(name)
    victim.cookie = attacker.cookie
    await victim.post('/sign-in', { subject: 'Ada' })
    expect(victim.cookie).not.toBe(attacker.cookie)
    expect((await victim.session()).subject).toBe('Ada')
    expect(await states(attacker.cookie)).toEqual(nobody)
    await attacker.post('/note', { note: 'too late' })
    expect((await victim.session()).data.note).toBe('planted')
  })

  it('an id that somebody made up is never taken over', async () => {
    const victim = use(name)
    const made = `sid=${'A'.repeat(43)}.0.${'B'.repeat(43)}`
    victim.cookie = made
    await victim.post('/sign-in', { subject: 'Ada' })
    expect(victim.cookie.slice(0, 47)).not.toBe(made.slice(0, 47))
    expect(await states(made)).toEqual(nobody)
  })
})

/** Each ends the session, or the token that is replayed. */
const endings: Readonly<Record<string, (browser: Browser) => Promise<unknown>>> = {
  'a sign-out': (browser) => browser.post('/sign-out'),
  'a sign-in of the same person': (browser) => browser.post('/sign-in', { subject: 'Ada' }),
  'a sign-in of another': (browser) => browser.post('/sign-in', { subject: 'Grace' }),
  'a step-up': (browser) => browser.post('/step-up'),
  'a hard rotation': (browser) => browser.post('/rotate'),
  'a periodic rotation, overlap over': async (browser) => {
    now += 61_000
    await browser.get('/')
    await browser.get('/')
    now += 16_000
  },
  'the idle timeout': async () => {
    now += 300_000
  },
  'the absolute timeout': async (browser) => {
    for (let minute = 0; minute < 60; minute += 1) {
      now += 60_000
      await browser.get('/')
    }
  },
  'a sign-out with a write still running': (browser) => browser.post('/sign-out-race', { ms: '50' }),
}

describe.each(FRAMEWORKS)('replay on %s', (name) => {
  it.each(Object.keys(endings))('after %s the cookie opens nothing, anywhere, and gets none', async (ending) => {
    const browser = await signedIn(name)
    const old = browser.cookie
    await endings[ending]!(browser)
    expect(await states(old)).toEqual(nobody)
    const thief = use(name)
    thief.cookie = old
    const answer = await thief.post('/note', { note: 'stolen' })
    expect(answer.headers.getSetCookie().every((line) => !line.startsWith(old.slice(0, 47)))).toBe(true)
    expect((await browser.session()).data.note).not.toBe('stolen')
  })

  it('a locked session shows nothing of itself and takes nothing', async () => {
    const browser = await signedIn(name)
    await browser.post('/note', { note: 'secret' })
    await browser.post('/lock')
    const { state, subject, data } = await browser.session()
    expect({ state, subject, data }).toEqual({ state: 'locked', subject: null, data: {} })
    expect((await browser.post('/note', { note: 'x' })).status).toBe(409)
  })

  it('a stolen cookie that comes back after its owner moved on ends the session for both', async () => {
    const browser = await signedIn(name)
    const stolen = browser.cookie
    await endings['a periodic rotation, overlap over']!(browser)
    expect(await states(stolen)).toEqual(nobody)
    expect((await browser.session()).state).toBe('anonymous')
  })
})

describe.each(FRAMEWORKS)('donation and tossing on %s', (name) => {
  it("another origin's form signs nobody in, and nobody out", async () => {
    const visitor = use(name)
    const other = demo.servers.find((each) => each !== server)!.origin
    expect((await visitor.post('/sign-in', { subject: 'Mallory' }, other)).status).toBe(403)
    expect(visitor.cookie).toBe('')
    const browser = await signedIn(name)
    for (const path of ['/sign-in', '/sign-out', '/note', '/count', '/rotate', '/lock', '/step-up'])
      expect((await browser.post(path, { subject: 'Mallory', note: 'x' }, other)).status).toBe(403)
    const { subject, data, generation } = await browser.session()
    expect({ subject, data, generation }).toEqual({ subject: 'Ada', data: {}, generation: 0 })
  })

  it("a planted cookie beside one's own makes nobody the planter, and clears nothing", async () => {
    const mallory = await signedIn(name, 'Mallory')
    const browser = await signedIn(name)
    for (const cookie of [`${mallory.cookie}; ${browser.cookie}`, `${browser.cookie}; ${mallory.cookie}`]) {
      expect(await states(cookie)).toEqual(nobody)
      const answer = await browser.get('/session', server, cookie)
      expect(answer.headers.getSetCookie()).toEqual([])
    }
    expect((await browser.session()).subject).toBe('Ada')
    expect((await mallory.session()).data).toEqual({})
  })

  it('more cookies of the name than anybody has cost a few comparisons, and no store call', async () => {
    const browser = await signedIn(name)
    const many = Array.from({ length: 50 }, (_, at) => `sid=${'A'.repeat(43)}.${at}.${'B'.repeat(43)}`).join('; ')
    expect(await states(many)).toEqual(nobody)
    expect((await browser.session()).subject).toBe('Ada')
  })
})

/** A request as bytes, and the answer's head; what frameworks' clients would refuse to send. */
async function raw(lines: readonly string[], body = ''): Promise<string> {
  const { hostname, port } = new URL(server.origin)
  const socket = connect(Number(port), hostname)
  socket.setEncoding('latin1')
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  socket.write(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n${body}`, 'latin1')
  await once(socket, 'close')
  return text.split('\r\n\r\n')[0] ?? ''
}

describe.each(FRAMEWORKS)('header injection on %s', (name) => {
  const evil = 'x\r\nSet-Cookie: sid=planted\r\nX-Injected: 1'
  const encoded = encodeURIComponent(evil)

  it.each([
    ['the path', [`GET /${encoded} HTTP/1.1`]],
    ['the query', [`GET /?outcome=${encoded} HTTP/1.1`]],
    ['the cookie', ['GET /session HTTP/1.1', `Cookie: sid=${encoded}; a=${encoded}`]],
    ['the origin', ['POST /note HTTP/1.1', `Origin: http://${encoded}`, 'Content-Length: 0']],
    ['a proxy header', ['GET / HTTP/1.1', `X-Forwarded-Host: ${encoded}`, `X-Forwarded-Proto: https,${encoded}`]],
    ['a control character', ['GET /session HTTP/1.1', 'Cookie: sid=a\u0001b\u007fc; \u0080=\u00ff']],
  ])('%s adds no header and no cookie', async (_, lines) => {
    use(name)
    const [first = '', ...rest] = lines
    const head = await raw([first, `Host: ${new URL(server.origin).host}`, ...rest])
    expect(head).toMatch(/^HTTP\/1\.1 \d{3}/)
    expect(head).not.toMatch(/x-injected|planted/i)
  })

  it('names and notes that hold headers stay text', async () => {
    const browser = use(name)
    const answer = await browser.post('/sign-in', { subject: evil })
    expect(answer.headers.getSetCookie()).toHaveLength(1)
    expect(answer.headers.get('x-injected')).toBeNull()
    await browser.post('/note', { note: evil })
    const page = await browser.get('/')
    expect(page.headers.get('x-injected')).toBeNull()
    expect((await browser.session()).data.note).toBe(evil)
  })
})

describe.each(FRAMEWORKS)('proxy headers of anybody on %s', (name) => {
  const spoofs: readonly (readonly [string, string])[] = [
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-For', '127.0.0.1'],
    ['X-Forwarded-Host', 'localhost'],
    ['Forwarded', 'for=127.0.0.1;proto=https;host=localhost'],
    ['X-Real-IP', '127.0.0.1'],
  ]

  it.each(spoofs)('%s makes plain http no https: no cookie is set, none is taken', async (header, value) => {
    const browser = await signedIn(name)
    const host = new URL(server.origin).host
    const lines = [`Host: ${host}`, `Origin: ${server.origin}`, `${header}: ${value}`, 'Accept: application/json']
    const form = ['Content-Type: application/x-www-form-urlencoded', 'Content-Length: 11']
    const signIn = await raw(['POST /sign-in HTTP/1.1', ...lines, ...form], 'subject=Eve')
    expect(signIn).toMatch(/^HTTP\/1\.1 400/)
    expect(signIn).not.toMatch(/set-cookie/i)
    const cookie = browser.cookie.replace('sid=', '__Host-Http-sid=')
    expect(await raw(['GET /session HTTP/1.1', ...lines, `Cookie: ${cookie}`])).toMatch(/^HTTP\/1\.1 400/)
  })

  it('a Host of somebody else is not a developer’s machine', async () => {
    use(name)
    const lines = ['Host: shop.example', 'Origin: http://shop.example', 'Content-Length: 11']
    const form = ['Content-Type: application/x-www-form-urlencoded', ...lines]
    const head = await raw(['POST /sign-in HTTP/1.1', ...form], 'subject=Eve')
    expect(head).toMatch(/^HTTP\/1\.1 400/)
    expect(head).not.toMatch(/set-cookie/i)
  })
})
