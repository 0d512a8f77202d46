export { sess } from './express.ts'
export type { ExpressRequest, SessHandler, SessOptions } from './express.ts'
export { csrf } from './csrf.ts'
export type { CsrfHandler } from './csrf.ts'
