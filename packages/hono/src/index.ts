export { sess } from './hono.ts'
export type { SessEnv, SessOptions } from './hono.ts'
export { requireFresh } from './require-fresh.ts'
export { csrf } from './csrf.ts'
