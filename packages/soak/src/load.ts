import { Agent, type IncomingMessage, request } from 'node:http'

/** What the clients have done so far. */
export interface Done {
  requests: number
  failures: number
  /** Answers that nobody waited for. */
  aborted: number
}

const PATHS: readonly string[] = [
  ...Array<string>(8).fill('/read'),
  ...[
    '/write',
    '/write',
    '/update',
    '/update',
    '/stream',
    '/slow',
    '/flash',
    '/take',
    '/sign-in',
    '/sign-out',
    '/fail',
  ],
]
/** Between an answer and the next request, in ms. */
const THINKING = 20

/** Keeps so many browsers busy until the signal; each has a connection and a cookie of its own. */
export async function load(port: number, clients: number, signal: AbortSignal, done: Done): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  await Promise.all(Array.from({ length: clients }, () => browse(agent, port, signal, done)))
  agent.destroy()
}

async function browse(agent: Agent, port: number, signal: AbortSignal, done: Done): Promise<void> {
  let cookie = ''
  while (!signal.aborted) {
    const chance = Math.random()
    // Newcomers, forgeries, and those who close the page.
    if (chance < 0.02) cookie = ''
    const sent = chance > 0.99 ? `sid=${'A'.repeat(43)}.0.${'A'.repeat(43)}` : cookie
    const leaves = chance > 0.97 && chance < 0.98
    try {
      const answer = await ask(agent, port, sent, leaves)
      done.requests += 1
      if (answer === null) done.aborted += 1
      else cookie = cookieOf(answer) ?? cookie
    } catch {
      done.failures += 1
    }
    await new Promise((next) => setTimeout(next, THINKING))
  }
}

function ask(agent: Agent, port: number, cookie: string, leaves: boolean): Promise<IncomingMessage | null> {
  const path = PATHS[Math.floor(Math.random() * PATHS.length)] as string
  return new Promise((resolve, reject) => {
    const headers = cookie === '' ? {} : { cookie }
    const sent = request({ agent, port, host: '127.0.0.1', path, headers }, (answer) => {
      answer.resume()
      answer.once('end', () => resolve(answer))
      answer.once('error', reject)
    })
    sent.once('error', (error) => (leaves ? resolve(null) : reject(error)))
    sent.end()
    if (leaves) setTimeout(() => sent.destroy(), 1)
  })
}

function cookieOf({ headers }: IncomingMessage): string | null {
  const [line] = headers['set-cookie'] ?? []
  return line === undefined ? null : line.slice(0, line.indexOf(';'))
}
