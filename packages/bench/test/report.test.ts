import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { conditions, print, type Report, requoted, sizesTable, timesTable } from '../src/report.ts'
import { measure, sizeOf } from '../src/stores.ts'

const read = (file: string): string => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')

describe('docs/stores.md', () => {
  const page = read('docs/stores.md')
  const report: Report = JSON.parse(read('docs/benchmarks/stores.json'))

  it('quotes the times, the sizes and the conditions of docs/benchmarks/stores.json', () => {
    expect(page).toContain(timesTable(report))
    expect(page).toContain(sizesTable(report))
    expect(page).toContain(conditions(report))
  })

  it('has no other measured numbers', () => {
    const rest = [timesTable, sizesTable, conditions].reduce((text, part) => text.replace(part(report), ''), page)
    expect(rest.match(/.*\d ?(?:µs|MiB|GiB|bytes per).*/g) ?? []).toEqual([])
  })

  it('can be given a newer report, which has columns that the old one has not', () => {
    const timing = { median: 7, from: 6, to: 8 }
    const stores = report.stores.map((store) => ({
      ...store,
      versions: '$& 2',
      sizes: store.sizes.map((size) => ({
        ...size,
        bytesPerSession: 1,
        times: { ...size.times, list: timing, admit: timing },
      })),
    }))
    const newer = { ...report, stores }
    const updated = requoted(page, report, newer)
    for (const part of [timesTable, sizesTable, conditions]) expect(updated).toContain(part(newer))
    expect(timesTable(newer)).toMatch(/touch, µs \| list of 5, µs \| +admit, µs \|/)
    expect(requoted(updated, newer, report)).toBe(page)
  })

  it('quotes every durable store at three sizes', () => {
    const measured = report.stores.map(({ store, sizes }) => [store, ...sizes.map(({ sessions }) => sessions)])
    expect(measured).toEqual(['redis', 'postgres', 'mysql', 'sqlite'].map((store) => [store, 1e4, 1e5, 1e6]))
  })
})

describe('npm run bench:stores', () => {
  it('measures every operation that a store has, at every size', async () => {
    const report = await measure({ stores: ['sqlite'], sizes: [2000, 1000], rounds: 2 })
    const [{ sizes = [] } = {}] = report.stores
    expect(sizes.map(({ sessions }) => sessions)).toEqual([1000, 2000])
    for (const { bytesPerSession, times } of sizes) {
      expect(bytesPerSession).toBeGreaterThan(500)
      expect(Object.keys(times)).toEqual(['get', 'replace', 'touch', 'list', 'admit', 'prune'])
      for (const { median, from, to } of Object.values(times)) {
        expect(from).toBeGreaterThan(0)
        expect(median).toBeGreaterThanOrEqual(from)
        expect(to).toBeGreaterThanOrEqual(median)
      }
    }
    expect(print(report)).toContain('| sqlite | 2 k ÷ 1 k |')
  })

  it('knows the stores it has', async () => {
    await expect(measure({ stores: ['mongo'], sizes: [1000], rounds: 1 })).rejects.toThrow(
      'There is no store mongo: redis, postgres, mysql, sqlite',
    )
  })

  it.each([
    ['10k', 10_000],
    ['1M', 1_000_000],
    ['2500', 2500],
  ])('reads the size %s', (text, size) => {
    expect(sizeOf(text)).toBe(size)
  })

  it.each(['', '10', '1.5k', 'many'])('refuses the size %j', (text) => {
    expect(() => sizeOf(text)).toThrow('--sizes')
  })
})
