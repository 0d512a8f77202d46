export { sess } from './express.ts'
export type { ExpressRequest, SessHandler, SessOptions } from './express.ts'
export { requireFresh } from './require-fresh.ts'
