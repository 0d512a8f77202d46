export { sess } from './koa.ts'
export type { KoaContext, SessMiddleware, SessOptions } from './koa.ts'
export { csrf } from './csrf.ts'
export type { CsrfMiddleware } from './csrf.ts'
