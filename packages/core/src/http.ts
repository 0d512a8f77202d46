export { applyHeaders, finish } from './http/headers.ts'
export type { ResponseHeaders } from './http/headers.ts'
export { freshnessGuard } from './http/freshness-guard.ts'
export type { HeaderSource, RequestFacts } from './http/facts.ts'
