export { sess } from './fastify.ts'
export type { SessOptions } from './fastify.ts'
