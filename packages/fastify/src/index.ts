export { sess } from './fastify.ts'
export type { SessOptions } from './fastify.ts'
export { requireFresh } from './require-fresh.ts'
