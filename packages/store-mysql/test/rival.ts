// A process of its own: writers that extend one chain of revisions. Bundled and forked by processes.test.ts.
import { storeKit } from '@sess/testkit'
import mysql from 'mysql2/promise'
import { mysqlStore } from '../src/index.ts'

const [uri, table = '', id = '', writers, writes] = process.argv.slice(2)
const pool = mysql.createPool({ uri: uri ?? '', connectionLimit: 4 })
const store = mysqlStore(pool, { table })
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
