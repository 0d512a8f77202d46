import { type Clock, createSessions, type Sessions } from '@sess/core'
import type { Storage } from './storage.ts'

/** What the demo keeps in a session. */
export interface DemoData {
  note: string
  counter: number
  /** One key for each of the 20 parallel writes. */
  [key: `write-${number}`]: Write
}

/** Which run of "20 parallel writes" wrote this, and through which server. */
export interface Write {
  readonly run: string
  readonly by: string
}

/** Far shorter than the defaults, so that one can watch. */
export const LIMITS = {
  idle: '5m',
  absolute: '1h',
  rotateEvery: '1m',
  overlap: '15s',
  touchEvery: '1s',
} as const

export function createDemoSessions(clock: Clock, { store, keys }: Storage): Sessions<DemoData> {
  return createSessions<DemoData>({
    store,
    ...(keys.length > 0 && { keys }),
    ...LIMITS,
    clock,
    carry: ['note', 'counter'],
    // Address and browser, for the list of devices.
    device: true,
    touch: ({ url }) => !isPassive(url ?? '/'),
  })
}

/** The event stream and the page's own refreshes are not the visitor's doing: they keep no session alive. */
function isPassive(url: string): boolean {
  const { pathname, searchParams } = new URL(url, 'http://demo')
  return pathname === '/events' || searchParams.has('refresh')
}
