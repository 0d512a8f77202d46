export { applyHeaders, applyRefusal, finish } from './http/headers.ts'
export type { ResponseHeaders } from './http/headers.ts'
export { needsFormToken, verifyForm } from './http/csrf/form.ts'
export type { HeaderSource, RequestFacts } from './http/facts.ts'
