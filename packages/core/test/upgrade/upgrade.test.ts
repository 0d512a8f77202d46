import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { SessionRecord } from '@sess/core'
import { columns, fromRow, type Row, toValues, type Value } from '@sess/core/store'
import { describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { Browser } from '../manager/scenario.ts'
import { ScriptedStore } from '../manager/scripted-store.ts'
import { type Collection, collect, openWith, revisit } from './collection.ts'
import { formatOf } from './format.ts'

/** What one version wrote: `rows` as the SQL stores keep the records, in the order of `columns`. */
interface Fixture extends Collection {
  readonly version: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Value[])[]
}

const folder = new URL('fixtures/', import.meta.url)
const numeric = new Intl.Collator('en', { numeric: true })
const list = (): string[] => readdirSync(folder).sort(numeric.compare)
const read = (file: string): Fixture => JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
const written = async (): Promise<Fixture> => {
  const { at, visitors, records } = await collect()
  const rows = records.map((record) => toValues(record, () => {}))
  return JSON.parse(JSON.stringify({ version: manifest.version, at, visitors, records, columns, rows }))
}

if (process.env.FIXTURE === 'new') {
  const file = new URL(`${manifest.version}-${list().length + 1}.json`, folder)
  if (!existsSync(file)) writeFileSync(file, `${JSON.stringify(await written(), null, 2)}\n`)
}

const files = list()

describe.each(files)('what %s holds', (file) => {
  const { at, visitors, records, rows, columns: names } = read(file)
  const live = records.filter(({ state }) => state !== 'ended')

  it.each(Object.keys(visitors))('%s: finds what it found then', async (name) => {
    const { facts, cookie, found } = visitors[name] as Collection['visitors'][string]
    expect(await revisit(records, at, { facts, cookie })).toEqual(found)
  })

  it('is read from rows as from records', () => {
    const read = rows.map((values) => fromRow(Object.fromEntries(values.map((value, at) => [names[at], value])) as Row))
    expect(read).toEqual(records)
  })

  it('keeps fields and extensions of other versions when it is written', async () => {
    expect(live.length).toBeGreaterThan(5)
    for (const name of Object.keys(visitors)) {
      const { facts, cookie } = visitors[name] as Collection['visitors'][string]
      const store = new ScriptedStore(true)
      for (const record of records) store.records.set(record.id, structuredClone(foreign(record)))
      const browser = new Browser(openWith(store, at).sessions)
      browser.cookie = cookie
      const session = await browser.open(facts)
      const id = session.handle
      if (id === null || session.state === 'locked' || session.refused !== null) continue
      session.data.visits = 2
      await session.commit()
      expect(store.calls.some(({ operation }) => operation === 'replace')).toBe(true)
      expect(store.records.get(id)).toMatchObject({ later: { list: [1] }, extra: { 'acme/other': 'text' } })
    }
  })
})

function foreign(record: SessionRecord): SessionRecord & { later: unknown } {
  return { ...record, later: { list: [1] }, extra: { ...record.extra, 'acme/other': 'text' } }
}

describe('the latest fixture', () => {
  it('has the format that is written today; a change of it takes a new one: FIXTURE=new npx vitest run --project @sess/core upgrade', async () => {
    const latest = read(files.at(-1) as string)
    const now = await written()
    expect(formatOf(now.records)).toEqual(formatOf(latest.records))
    expect(formatOf(now.rows.map((row) => JSON.parse(String(row.at(-2)))))).toEqual(
      formatOf(latest.rows.map((row) => JSON.parse(String(row.at(-2))))),
    )
    expect(now.columns).toEqual(latest.columns)
    expect(latest.version).toBe(manifest.version)
  })

  it('has every field that a record can have', () => {
    const places = Object.keys(formatOf(read(files.at(-1) as string).records))
    const rare = ['auth.usedAt[]', 'auth.levelAt', 'actor.subject', 'actor.auth.methods[]', 'fingerprint.address']
    const more = ['fingerprint.marks.ja4', 'fingerprint.marks.agent', 'fingerprint.places[]', 'device.userAgent']
    const extra = ['extra.sess/flash', 'extra.sess/data-version', 'endedReason', 'credential', 'recent[]']
    expect([...rare, ...more, ...extra].filter((place) => !places.includes(place))).toEqual([])
  })
})
