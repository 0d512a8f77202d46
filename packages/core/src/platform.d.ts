/** The few globals of the web platform that core uses. Node, Bun, Deno, workerd and browsers all have them. */
interface AbortSignal {
  readonly aborted: boolean
  readonly reason: unknown
  throwIfAborted(): void
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}
declare const AbortSignal: { any(signals: readonly AbortSignal[]): AbortSignal }
declare class AbortController {
  readonly signal: AbortSignal
  abort(reason?: unknown): void
}
declare const crypto: { getRandomValues<T extends Uint8Array>(array: T): T }
declare const console: { warn(message: string): void; error(message: string, error?: unknown): void }
declare class Response {
  constructor(body: string | null, init: { readonly status: number })
}
declare function setTimeout(callback: () => void, delayMs: number): unknown
declare function setInterval(callback: () => void, delayMs: number): unknown
declare function clearInterval(timer: unknown): void
declare const performance: { now(): number }
declare function clearTimeout(timer: unknown): void
declare function btoa(binary: string): string
declare function atob(base64: string): string

declare module 'node:crypto' {
  export interface KeyObject {
    readonly type: 'secret'
  }
  interface Digest {
    update(text: string): Digest
    digest(encoding: 'base64url'): string
  }
  export function createSecretKey(bytes: Uint8Array): KeyObject
  export function createHmac(algorithm: 'sha256', key: KeyObject): Digest
  export function createHash(algorithm: 'sha256'): Digest
  export function hkdfSync(
    algorithm: 'sha256',
    key: Uint8Array,
    salt: Uint8Array,
    info: string,
    length: number,
  ): ArrayBuffer
}
