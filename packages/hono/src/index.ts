export { sess } from './hono.ts'
export type { SessEnv, SessOptions } from './hono.ts'
export { csrf } from './csrf.ts'
