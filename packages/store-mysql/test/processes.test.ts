import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fresh, mariadb, pool } from './open.ts'

const PROCESSES = 2
const WRITERS = 4
const WRITES = 25
/** Inside the package, so that imports resolve. */
const folder = fileURLToPath(new URL('../node_modules/.rival/', import.meta.url))

describe.skipIf(mariadb.missing)('writers in two processes [needs mariadb]', () => {
  beforeAll(async () => {
    await build({
      entry: [fileURLToPath(new URL('rival.ts', import.meta.url))],
      outDir: folder,
      config: false,
      format: 'esm',
      target: 'node20',
      silent: true,
      external: ['mysql2'],
      noExternal: [/^@sess\//],
      esbuildOptions: (options) => {
        options.conditions = ['@sess/source']
      },
    })
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('make one chain of revisions: no write is lost, and no revision has two successors', async () => {
    const { store, table, record } = await fresh(pool())
    const first = record({ data: '0' })
    await store.create(first)
    const args = [mariadb.url, table, first.id, `${WRITERS}`, `${WRITES}`]
    const rivals = Array.from({ length: PROCESSES }, () => fork(`${folder}rival.js`, args))
    await Promise.all(rivals.map(message))
    const results = rivals.map(message)
    for (const rival of rivals) rival.send('go')
    const links = (await Promise.all(results)).flat() as [string, string][]
    const successor = new Map(links)
    expect(successor.size).toBe(links.length)
    expect(links).toHaveLength(PROCESSES * WRITERS * WRITES)
    let last = first.revision
    for (let step = 0; step < links.length; step += 1) last = successor.get(last) ?? 'the chain is broken'
    expect(await store.get(first.id)).toMatchObject({ revision: last, data: String(links.length) })
  })
})

/** The next message of a process; its end without one is an error. */
async function message(rival: ChildProcess): Promise<unknown> {
  const ended = once(rival, 'exit').then(([code]) => Promise.reject(new Error(`the process ended: ${code}`)))
  ended.catch(() => {})
  const [received] = await Promise.race([once(rival, 'message'), ended])
  return received
}
