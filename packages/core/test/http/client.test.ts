import { memoryStore, type RequestFacts } from '@sess/core'
import { expect, it } from 'vitest'
import { ClientReader } from '../../src/http/client.ts'
import { readClientSettings } from '../../src/manager/fingerprint-options.ts'
import { readPolicy } from '../../src/manager/policy-options.ts'

const reader = () => new ClientReader(readClientSettings('observe', readPolicy({ store: memoryStore() }, 2000)))
const facts = (index: number, headers: Record<string, string> = {}): RequestFacts => ({
  headers: { 'user-agent': `Mozilla/5.0 (X11; Linux x86_64) Firefox/${index}.0`, ...headers },
})

it('tells browsers of one User-Agent apart by language and hints, however many there are', () => {
  const clients = reader()
  const language = (tag: string) => clients.classesOf(facts(140, { 'accept-language': tag })).language
  const tags = ['de', 'en', 'fr', 'it', 'es', 'pt', 'nl', 'da', 'sv', 'fi', 'de', 'en', 'en']
  expect(tags.map(language)).toEqual(tags)
  const chromium = facts(140, { 'sec-ch-ua': '"Chromium";v="140"' })
  expect(clients.classesOf(chromium)).toMatchObject({ browser: 'firefox', contradiction: true })
  expect(clients.classesOf(facts(140)).contradiction).toBeUndefined()
})

it('reads the same of a browser that it has forgotten', () => {
  const clients = reader()
  const versions = [1, ...Array.from({ length: 2000 }, (_, index) => index), 1]
  expect(versions.map((index) => clients.classesOf(facts(index)).version)).toEqual(versions)
})
