export { measureSessions } from './measure-sessions.ts'
export type { MeasureOptions } from './measure-sessions.ts'
export { instrumentStore } from './instrument-store.ts'
