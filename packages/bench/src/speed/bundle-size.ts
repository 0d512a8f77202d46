import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/** What an app on the edge imports, with nothing of Node and without the framework itself. */
const APP = `
export { createSessions } from '@sess/core'
export { sess } from '@sess/hono'
`

export interface BundleSize {
  /** Bytes, minified. */
  readonly minified: number
  readonly gzip: number
}

/** The size of sess in a Worker. `from`: a folder that has the packages installed. */
export async function bundleSize(from: string = fileURLToPath(new URL('../..', import.meta.url))): Promise<BundleSize> {
  const result = await build({
    stdin: { contents: APP, resolveDir: from },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    conditions: ['@sess/source', 'workerd', 'worker'],
    mainFields: ['module', 'main'],
    external: ['hono'],
    logLevel: 'error',
  })
  const code = result.outputFiles[0]?.contents ?? new Uint8Array()
  return { minified: code.length, gzip: gzipSync(code, { level: 9 }).length }
}
