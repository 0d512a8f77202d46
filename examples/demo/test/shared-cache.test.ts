import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { service } from '@sess/services'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FrameworkName, type RunningDemo, startDemo } from '../src/demo.ts'
import { memoryStorage } from '../src/storage.ts'

const FRAMEWORKS: FrameworkName[] = ['Express', 'Fastify', 'Koa', 'Hono', 'node:http']
const nginx = service('nginx')

interface Answer {
  readonly status: number
  readonly body: string
  readonly cookies: readonly string[]
  /** What nginx says about its cache. */
  readonly cache: string | undefined
}

/** A client of the proxy, which takes the application's port from the host. */
class Client {
  readonly host: string
  cookie = ''

  constructor(port: string, domain: string) {
    this.host = `port-${port}.${domain}.example`
  }

  async send(path: string, headers: Record<string, string> = {}, method = 'GET', body = ''): Promise<Answer> {
    const cookie = this.cookie === '' ? {} : { cookie: this.cookie }
    const sent = request(nginx.url + path, { method, headers: { host: this.host, ...cookie, ...headers } })
    sent.end(body)
    const [message] = await once(sent, 'response')
    message.setEncoding('utf8')
    let text = ''
    for await (const chunk of message) text += chunk
    const cookies: string[] = message.headers['set-cookie'] ?? []
    const [set] = cookies
    if (set !== undefined) this.cookie = set.slice(0, set.indexOf(';'))
    return { status: message.statusCode, body: text, cookies, cache: message.headers['x-cache'] }
  }

  post(path: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
    const form = { 'content-type': 'application/x-www-form-urlencoded', origin: `https://${this.host}` }
    return this.send(path, { ...form, ...headers }, 'POST', new URLSearchParams(fields).toString())
  }

  async session(): Promise<{ subject: string | null }> {
    return JSON.parse((await this.send('/session')).body)
  }
}

describe.skipIf(nginx.missing)('behind nginx with a shared cache [needs nginx]', () => {
  let demo: RunningDemo
  let now: number

  beforeAll(async () => {
    now = Date.now()
    demo = await startDemo(0, { now: () => now }, memoryStorage(), true)
  })

  afterAll(() => demo.close())

  const client = (name: FrameworkName, domain: string): Client =>
    new Client(new URL(demo.servers.find((server) => server.name === name)!.origin).port, domain)

  it('the cache is one: it gives out what nobody has forbidden it to keep', async () => {
    let made = 0
    const server = createServer((_, res) => res.end(`page ${++made}`)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const anybody = new Client(String((server.address() as AddressInfo).port), 'shop')
    expect([(await anybody.send('/')).body, (await anybody.send('/')).body]).toEqual(['page 1', 'page 1'])
    server.close()
  })

  describe.each(FRAMEWORKS)('%s', (name) => {
    // Below eager.example it keeps answers with a Set-Cookie too.
    describe.each(['shop', 'eager'])('%s.example', (domain) => {
      it("gives nobody another user's page", async () => {
        const ada = client(name, domain)
        const signedIn = await ada.post('/sign-in', { subject: 'Ada' })
        expect(signedIn.cookies).toEqual([expect.stringMatching(/^__Host-Http-sid=.*; Secure; HttpOnly/)])
        for (let turn = 0; turn < 2; turn += 1) {
          expect(await ada.session()).toMatchObject({ subject: 'Ada' })
          expect(await client(name, domain).session()).toMatchObject({ subject: null })
          const page = await client(name, domain).send('/')
          expect(page.body).not.toContain('Ada is signed in')
          expect(page.cache).not.toBe('HIT')
        }
      })

      it('gives nobody the cookie that a rotation has sent along with a page', async () => {
        const ada = client(name, domain)
        await ada.post('/sign-in', { subject: 'Ada' })
        await ada.send('/session')
        now += 61_000
        const rotated = await ada.send('/session')
        expect(rotated.cookies).toHaveLength(1)
        const stranger = await client(name, domain).send('/session')
        expect(stranger).toMatchObject({ cookies: [], body: expect.stringContaining('"subject":null') })
        expect(stranger.cache).not.toBe('HIT')
      })

      it('a refusal is not kept for those who come after', async () => {
        const visitor = client(name, domain)
        const evil = { origin: 'https://evil.example', 'x-forwarded-host': 'evil.example' }
        const refused = await visitor.post('/sign-in', { subject: 'Mallory' }, evil)
        expect(refused).toMatchObject({ status: 403, cookies: [] })
        const bad = client(name, domain)
        bad.cookie = '__Host-Http-sid=nonsense'
        await bad.send('/session', {
          'x-forwarded-proto': 'http',
          forwarded: 'proto=http',
          'x-http-method-override': 'POST',
        })
        expect(await client(name, domain).send('/session')).toMatchObject({ status: 200 })
        expect(await client(name, domain).post('/sign-in', { subject: 'Ada' })).toMatchObject({ status: 303 })
      })
    })

    it('what clients claim about proxies is overwritten by the proxy, and not believed', async () => {
      const ada = client(name, 'shop')
      const claims = { 'x-forwarded-proto': 'http', 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1' }
      const { cookies } = await ada.post('/sign-in', { subject: 'Ada' }, claims)
      expect(cookies).toEqual([expect.stringMatching(/^__Host-Http-sid=/)])
      const host = { 'x-forwarded-host': 'evil.example', origin: 'https://evil.example' }
      expect((await ada.post('/sign-out', {}, host)).status).toBe(403)
      expect(await ada.session()).toMatchObject({ subject: 'Ada' })
    })
  })
})
