import { monitorEventLoopDelay } from 'node:perf_hooks'

/** What a process holds at one moment, after a collection of garbage. */
export interface Sample {
  readonly seconds: number
  readonly heapBytes: number
  /** Sockets, pipes, files and whatever else keeps a process alive, timers apart. */
  readonly handles: number
  readonly timers: number
  /** Listeners on the process, the server and its connections. */
  readonly listeners: number
  /** Longest time the event loop was held up since the last sample, and the 99th percentile, in ms. */
  readonly delayMs: number
  readonly delayP99Ms: number
}

const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()

/** Takes a sample; needs `--expose-gc`. */
export function sample(listeners: number): Sample {
  const [longest, usual] = [delay.max, delay.percentile(99)]
  for (let pass = 0; pass < 3; pass += 1) globalThis.gc?.()
  const resources = process.getActiveResourcesInfo()
  const timers = resources.filter((name) => name === 'Timeout' || name === 'Immediate').length
  delay.reset()
  return {
    seconds: Math.round(process.uptime()),
    heapBytes: process.memoryUsage().heapUsed,
    handles: resources.length - timers,
    timers,
    listeners,
    delayMs: round(longest),
    delayP99Ms: round(usual),
  }
}

const round = (ns: number): number => Math.round(ns / 1e5) / 10

/** What grew, in words; nothing if all is flat. The first third is left to warm up, then halves are compared. */
export function growth(samples: readonly Sample[]): string[] {
  const settled = samples.slice(Math.ceil(samples.length / 3))
  const middle = Math.ceil(settled.length / 2)
  const [early, late] = [settled.slice(0, middle), settled.slice(middle)]
  const limits = { heapBytes: [1.1, 2_000_000], handles: [1, 8], timers: [1, 8], listeners: [1, 40] } as const
  const grown: string[] = []
  for (const [name, [factor, slack]] of Object.entries(limits)) {
    const [before, after] = [early, late].map((part) => median(part.map((each) => each[name as keyof Sample])))
    if ((after as number) > (before as number) * factor + slack) grown.push(`${name}: ${before} → ${after}`)
  }
  return grown
}

export function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0
}
