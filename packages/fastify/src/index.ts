export { sess } from './fastify.ts'
export type { SessOptions } from './fastify.ts'
export { csrf } from './csrf.ts'
export type { CsrfHook } from './csrf.ts'
