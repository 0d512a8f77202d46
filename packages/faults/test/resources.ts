import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** What a process holds, by kind. */
export interface Held {
  readonly [kind: string]: number
  readonly heapMB: number
}

setFlagsFromString('--expose-gc')
// Named by the flag above.
const collect = runInNewContext('gc') as () => void

/** What this process holds when the garbage is collected. */
export async function held(): Promise<Held> {
  for (let round = 0; round < 3; round += 1) {
    await pause(20)
    collect()
  }
  const resources = process.getActiveResourcesInfo()
  const heapMB = Math.round(process.memoryUsage().heapUsed / 2 ** 17) / 8
  const timers = resources.filter((resource) => resource === 'Timeout').length
  return { heapMB, timers, handles: resources.length - timers }
}
