import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { SessionRecord } from '@sess/core'
import { redisStore } from '@sess/store-redis'
import { describe, expect, it } from 'vitest'

/** What one version of the library kept of its records: the six fields of each hash. */
interface Fixture {
  readonly kept: readonly { readonly record: SessionRecord; readonly fields: readonly string[] }[]
}

const folder = new URL('fixtures/', import.meta.url)
const recordsOf = (file: string): readonly SessionRecord[] => {
  const path = new URL(`../../core/test/upgrade/fixtures/${file}`, import.meta.url)
  return (JSON.parse(readFileSync(path, 'utf8')) as { records: SessionRecord[] }).records
}
const read = (file: string): Fixture => JSON.parse(readFileSync(new URL(file, folder), 'utf8'))

const numeric = new Intl.Collator('en', { numeric: true })
const latestOf = (from: URL): string => readdirSync(from).sort(numeric.compare).at(-1) ?? ''

/** The six fields that a record is kept as, as the store sends them. */
async function keep(record: SessionRecord): Promise<string[]> {
  let sent: string[] = []
  const evalSha = async (_: string, input: { arguments: string[] }) => {
    sent = input.arguments
    return 1
  }
  await redisStore({ evalSha, eval: evalSha }).create(record)
  return sent.slice(0, 6)
}

function load(id: string, fields: readonly string[]): Promise<SessionRecord | null> {
  const evalSha = async () => [...fields]
  return redisStore({ evalSha, eval: evalSha }).get(id)
}

if (process.env.FIXTURE === 'new') {
  const latest = latestOf(new URL('../../core/test/upgrade/fixtures/', import.meta.url))
  const kinds = new Map(recordsOf(latest).map((record) => [`${record.state} ${record.actor === null}`, record]))
  const kept = await Promise.all([...kinds.values()].map(async (record) => ({ record, fields: await keep(record) })))
  writeFileSync(new URL(latest, folder), `${JSON.stringify({ kept }, null, 2)}\n`)
}

describe.each(readdirSync(folder))('what %s holds', (file) => {
  const { kept } = read(file)

  it('is read as it was written', async () => {
    expect(kept.length).toBeGreaterThan(4)
    for (const { record, fields } of kept) expect(await load(record.id, fields)).toEqual(record)
  })
})

it('the latest fixture is what is written today; a change takes a new one: FIXTURE=new, for the core first', async () => {
  const { kept } = read(latestOf(folder))
  for (const { record, fields } of kept) expect(await keep(record)).toEqual(fields)
})
