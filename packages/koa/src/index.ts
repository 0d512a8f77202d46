export { sess } from './koa.ts'
export type { KoaContext, SessMiddleware, SessOptions } from './koa.ts'
