import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { properties } from '../../core/test/kernel/histories.ts'
import type { Answer, Running } from '../src/launch.ts'
import { type Runtime, runtimes } from '../src/runtimes.ts'
import { cases, type Report } from '../src/suite.ts'

const needs = ({ missing }: Runtime): string => (missing === null ? '' : ` [needs ${missing}]`)

describe.each(runtimes.map((runtime) => [runtime.name, runtime] as const))('%s', (_, runtime) => {
  const here = test.skipIf(runtime.missing !== null)
  const title = (text: string): string => `${text}${needs(runtime)}`
  let app: Running | undefined
  let report: Report = {}

  beforeAll(async () => {
    if (runtime.missing !== null) return
    app = await runtime.start()
    report = (await (await app.fetch('/suite')).json()) as Report
  })

  afterAll(() => app?.stop())

  describe('core', () => {
    here.each(Object.keys(cases))(title('%s'), (name) => {
      expect(report[name]).toBeNull()
    })
  })

  describe('the kernel', () => {
    let found: Report = {}

    beforeAll(async () => {
      if (app !== undefined) found = (await (await app.fetch('/properties')).json()) as Report
    })

    here.each(Object.keys(properties))(title('%s'), (name) => {
      expect(found[name]).toBeNull()
    })
  })

  describe('the Hono adapter', () => {
    const ask = (method: string, url: string, cookie?: string): Promise<Answer> =>
      (app as Running).fetch(url, {
        method,
        headers: { 'sec-fetch-site': 'same-origin', ...(cookie !== undefined && { cookie }) },
      })

    const cookieOf = (answer: Answer): string => answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''

    const signIn = async (): Promise<string> => cookieOf(await ask('POST', '/app/sign-in'))

    here(title('signs in, is known by the cookie, and signs out for good'), async () => {
      const cookie = await signIn()
      expect(await (await ask('GET', '/app/who', cookie)).json()).toEqual({ subject: 'ada', count: 0 })
      const out = await ask('POST', '/app/sign-out', cookie)
      expect(out.headers.getSetCookie()).toEqual([expect.stringContaining('Max-Age=0')])
      expect(out.headers.get('cache-control')).toBe('no-store')
      expect(await (await ask('GET', '/app/who', cookie)).json()).toEqual({ subject: null, count: 0 })
    })

    here(title('loses none of twenty parallel increments'), async () => {
      const cookie = await signIn()
      await Promise.all(
        Array.from({ length: 20 }, () => ask('POST', '/app/count', cookie).then((answer) => answer.text())),
      )
      expect(await (await ask('GET', '/app/who', cookie)).json()).toEqual({ subject: 'ada', count: 20 })
    })

    here(title('does not ask the store about a forged cookie'), async () => {
      const [name] = (await signIn()).split('=')
      const before = await (await ask('GET', '/calls')).json()
      const answer = await ask('GET', '/app/who', `${name}=${'A'.repeat(43)}.0.${'A'.repeat(43)}`)
      expect(await answer.json()).toEqual({ subject: null, count: 0 })
      expect(answer.headers.getSetCookie()).toEqual([])
      expect(await (await ask('GET', '/calls')).json()).toBe(before)
    })
  })
})
