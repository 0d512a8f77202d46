/** Keeps a timer from keeping the process. Browsers and Workers know no such thing. */
export function letGo(timer: unknown): void {
  // An object with more than that on Node, Bun and Deno; elsewhere a number.
  const { unref } = timer as { unref?: () => void }
  unref?.call(timer)
}
