import type {} from 'vitest'
import type { TestProject } from 'vitest/node'
import { ensureChromium } from './chromium.mjs'

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the Chromium executable, or '' where it is missing and cannot be installed. */
    chromium: string
  }
}

/** Vitest global set-up: makes `inject('chromium')` answer in the tests. */
export function setup(project: TestProject): void {
  const result = ensureChromium()
  if ('missing' in result) console.warn(`Chromium is missing: ${result.missing}`)
  project.provide('chromium', 'path' in result ? result.path : '')
}
