export { register } from './register.ts'
export type { Closable, RegisterOptions, TestFunction } from './register.ts'
export type { Case } from './case.ts'
export { FakeClock } from './fake-clock.ts'
export { UnreliableStore } from './unreliable-store.ts'
export type { Gate, Hook, StoreCall, StoreOperation, Which } from './unreliable-store.ts'
export { storeCases } from './store/cases.ts'
export { storeKit } from './store/subject.ts'
export type { StoreSubject } from './store/subject.ts'

// adapter
export { adapterCases } from './adapter/cases.ts'
export type { AdapterCase } from './adapter/app.ts'
export type { AdapterRequest, AdapterSubject, Handle, Reply, Served, ServeOptions } from './adapter/subject.ts'
