let running = 0
let stock = console.warn

/**
 * Keeps the library's notes to developers (plain http on loopback, data that a sign-in drops) off the console while `work`
 * runs: cases provoke them by the hundred. Everything else still gets there.
 */
export async function quietly(work: () => Promise<void>): Promise<void> {
  if (running === 0) {
    stock = console.warn
    console.warn = (...args: unknown[]) => {
      if (!String(args[0]).startsWith('sess: ')) stock(...args)
    }
  }
  running += 1
  try {
    await work()
  } finally {
    running -= 1
    if (running === 0) console.warn = stock
  }
}
