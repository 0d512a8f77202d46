import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { beforeAll, describe, expect, it } from 'vitest'
import { median } from '../src/measure.ts'
import { bundleSize } from '../src/speed/bundle-size.ts'
import { pathOf } from '../src/speed/cells.ts'
import { type StoreCalls, storeCalls } from '../src/speed/counts.ts'
import { jsonPasses } from '../src/speed/json-passes.ts'
import { ourMemory, ourWire } from '../src/speed/ours.ts'
import { dataOf, REQUESTS, type RequestKind } from '../src/speed/subject.ts'
import { cookiesAfter } from '../src/speed/wire.ts'

/** What must not grow unnoticed: none of it is time. Whoever has a reason changes the limit. */
const limits: {
  readonly bundle: { readonly minified: number; readonly gzip: number }
  readonly setCookieBytes: Readonly<Record<RequestKind, number>>
  readonly heapBytes: Readonly<Record<'read' | 'unread' | 'anonymous' | 'forged', number>>
} = JSON.parse(readFileSync(new URL('limits.json', import.meta.url), 'utf8'))

describe('store calls', () => {
  let calls: StoreCalls
  beforeAll(async () => {
    calls = await storeCalls(async (store) => ourWire(store, dataOf))
  })

  it.each([
    ['read', { get: 1 }],
    ['unread', { get: 1 }],
    ['write', { get: 1, replace: 1 }],
    ['anonymous', {}],
    ['forged', {}],
    ['sign-in', { create: 1 }],
  ] as const)('of a request: %s', (request, expected) => {
    expect(calls.requests[request]).toEqual({ get: 0, create: 0, replace: 0, touch: 0, ...expected })
  })

  it('of a thousand reads of one session: one touch at most', () => {
    const { get, touch, ...writes } = calls.thousandReads
    expect(get).toBe(1000)
    expect(touch).toBeLessThanOrEqual(1)
    expect(writes).toEqual({ create: 0, replace: 0 })
  })
})

describe('bytes on the wire', () => {
  it.each(REQUESTS)('Set-Cookie of a request: %s', async (request) => {
    const wire = ourWire(ourMemory(), dataOf)
    const cookie = request === 'anonymous' || request === 'sign-in' ? '' : await signedIn(wire)
    const sent = request === 'forged' ? cookie.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')) : cookie
    const { setCookies } = await wire.peek(pathOf(request, 100), sent)
    expect(setCookies.join('').length).toBe(limits.setCookieBytes[request])
  })
})

describe('20 KB of data with one small key changed', () => {
  it('is parsed once, and what did not change is not encoded again', async () => {
    const { parsed, encoded } = await jsonPasses()
    expect(Math.abs(parsed - 1)).toBeLessThan(0.05)
    expect(encoded).toBeLessThan(0.05)
  })
})

describe('heap that requests leave behind for the collector', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void

  it.each(['read', 'unread', 'anonymous', 'forged'] as const)('of a request: %s', async (request) => {
    const wire = ourWire(ourMemory(), dataOf)
    const known = await signedIn(wire)
    const cookie = { read: known, unread: known, anonymous: '', forged: known.replace(/.$/, '!') }[request]
    const path = pathOf(request, 100)
    for (let turn = 0; turn < 1500; turn += 1) await wire.send(path, cookie)
    // A collection in between makes it less and a compilation more, so the middle one of several rounds counts.
    const left: number[] = []
    while (left.length < 21) {
      collect()
      const before = process.memoryUsage().heapUsed
      for (let turn = 0; turn < 100; turn += 1) await wire.send(path, cookie)
      left.push((process.memoryUsage().heapUsed - before) / 100)
    }
    const bytes = median(left)
    expect(bytes).toBeLessThan(limits.heapBytes[request])
    expect(bytes).toBeGreaterThan(limits.heapBytes[request] / 4)
  })
})

describe('what an app on the edge imports', () => {
  it('is no bigger than it was', async () => {
    const { minified, gzip } = await bundleSize()
    expect(minified).toBeLessThanOrEqual(limits.bundle.minified)
    expect(gzip).toBeLessThanOrEqual(limits.bundle.gzip)
    expect(gzip).toBeGreaterThan(limits.bundle.gzip * 0.9)
  })
})

async function signedIn(wire: ReturnType<typeof ourWire>): Promise<string> {
  const cookie = cookiesAfter('', await wire.peek('/sign-in/100', ''))
  await wire.peek('/read', cookie)
  return cookie
}
