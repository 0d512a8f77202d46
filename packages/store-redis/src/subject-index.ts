import type { SessionRecord, SubjectEntry } from '@sess/core'
import { pages, type RedisClient, run } from './client.ts'
import { forget, page } from './subject-scripts.ts'

/** Goes through a subject's hash and reads each session; forgets those that have ended and those that never came. */
export async function* entries(
  client: RedisClient,
  key: string,
  abandonedBefore: number,
  get: (id: string) => Promise<SessionRecord | null>,
): AsyncGenerator<SubjectEntry> {
  const seen = new Set<string>()
  for await (const found of pages<string>(client, page, [key])) {
    const ids = found.filter((_, index) => index % 2 === 0)
    const records = await Promise.all(ids.map(get))
    const over: string[] = []
    const listed: SubjectEntry[] = []
    for (const [index, id] of ids.entries()) {
      const record = records[index] ?? null
      const announced = Number.parseFloat(found[2 * index + 1] ?? '')
      const isOver = record === null ? announced < abandonedBefore : record.state === 'ended'
      if (isOver) over.push(id)
      else if (!seen.has(id)) listed.push({ id, record })
      seen.add(id)
    }
    if (over.length > 0) await run(client, forget, [key], over)
    yield* listed
  }
}
