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
  for await (const found of pages<[id: string, announced: string]>(client, page, [key])) {
    const fresh = found.filter(([id]) => !seen.has(id))
    const records = await Promise.all(fresh.map(([id]) => get(id)))
    const over: string[] = []
    const listed: SubjectEntry[] = []
    for (const [index, [id, announced]] of fresh.entries()) {
      seen.add(id)
      const record = records[index] ?? null
      const isOver = record === null ? Number(announced) < abandonedBefore : record.state === 'ended'
      if (isOver) over.push(id)
      else listed.push({ id, record })
    }
    if (over.length > 0) await run(client, forget, [key], over)
    yield* listed
  }
}
