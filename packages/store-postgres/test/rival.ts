// A process of its own: writers that extend one chain of revisions. Bundled and forked by processes.test.ts.
import { storeKit } from '@sess/testkit'
import pg from 'pg'
import { postgresStore } from '../src/index.ts'

const [url, table = '', id = '', writers, writes] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url, max: 4 })
const store = postgresStore(pool, { table })
const { next } = await storeKit(() => store)()
const links: [string, string][] = []

async function write() {
  for (let made = 0; made < Number(writes); made += 1) {
    let current = await store.get(id)
    for (let done = false; !done && current !== null; ) {
      const written = next(current, { data: String(Number(current.data) + 1) })
      const answer = await store.replace(written, current.revision)
      done = answer.ok
      if (answer.ok) links.push([current.revision, written.revision])
      else current = answer.current
    }
  }
}

process.once('message', async () => {
  await Promise.all(Array.from({ length: Number(writers) }, write))
  process.send?.(links)
  await pool.end()
  process.disconnect()
})
await pool.query('SELECT 1')
process.send?.('ready')
