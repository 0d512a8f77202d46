export { applyHeaders, finish } from './http/headers.ts'
export type { ResponseHeaders } from './http/headers.ts'
export type { HeaderSource, RequestFacts } from './http/facts.ts'
