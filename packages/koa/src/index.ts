export { sess } from './koa.ts'
export type { KoaContext, SessMiddleware, SessOptions } from './koa.ts'
export { requireFresh } from './require-fresh.ts'
