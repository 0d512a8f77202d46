import * as library from '@sess/core'
import { sess } from '@sess/hono'
import { type Context, Hono } from 'hono'
import { properties } from '../../core/test/kernel/histories.ts'
import { countingStore } from './counting-store.ts'
import { runSuite } from './suite.ts'

const KEY = 'kQ3vJ0m2Zr8bT5xY1nW7cP4hL6sD9fGaEuRiOtVpXyM'

const aMoment = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, 5)
  })

/** Lives of sessions that each property of the kernel is tried on. */
const LIVES = 300

/** What each property of the kernel found here; `null` is a pass. */
function runProperties(): Record<string, string | null> {
  const report: Record<string, string | null> = {}
  for (const [title, run] of Object.entries(properties)) {
    try {
      run(LIVES)
      report[title] = null
    } catch (error) {
      report[title] = String(error)
    }
  }
  return report
}

/** The application that every runtime serves: the suite's report, and a few pages with a session. */
export function createApp(ip: (context: Context) => string | undefined): Hono {
  const counting = countingStore(library.memoryStore(), aMoment)
  const sessions = library.createSessions({ store: counting.store, keys: KEY })
  const app = new Hono()
  app.get('/suite', async (c) => c.json(await runSuite(library)))
  app.get('/properties', (c) => c.json(runProperties()))
  app.get('/calls', (c) => c.json(counting.calls))
  const pages = new Hono()
    .use(sess(sessions, { ip }))
    .get('/who', (c) => c.json({ subject: c.var.session.subject, count: c.var.session.data.count ?? 0 }))
    .post('/sign-in', (c) => {
      c.var.session.signIn('ada')
      return c.text('in')
    })
    .post('/sign-out', (c) => {
      c.var.session.signOut()
      return c.text('out')
    })
    .post('/count', async (c) => {
      c.var.session.update('count', (count) => Number(count ?? 0) + 1)
      await aMoment()
      return c.text('counted')
    })
  return app.route('/app', pages)
}
