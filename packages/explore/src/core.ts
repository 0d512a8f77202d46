import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build, type PluginBuild } from 'esbuild'
import type { Core } from './world.ts'

/** Changes of the source that break a rule. */
export interface Seed {
  readonly name: string
  /** One for each file: `find` occurs exactly once in it. */
  readonly changes: readonly Change[]
}

interface Change {
  readonly file: string
  readonly find: string
  readonly replace: string
}

const source = fileURLToPath(new URL('../../core/src/', import.meta.url))

/**
 * The library from its sources, with a seed sown.
 *
 * @throws Error when a text that is to be changed is not there exactly once
 */
export async function loadCore(seed: Seed = { name: 'none', changes: [] }): Promise<Core> {
  const sown = new Set<Change>()
  const { outputFiles } = await build({
    entryPoints: [`${source}index.ts`],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['@sess/source', 'node'],
    plugins: [
      {
        name: 'seed',
        setup: (bundler) => {
          for (const change of seed.changes) sow(bundler, change, sown)
        },
      },
    ],
  })
  const missing = seed.changes.find((change) => !sown.has(change))
  if (missing !== undefined) throw new Error(`seed "${seed.name}": its text is not in ${missing.file} exactly once`)
  const text = outputFiles[0]?.text ?? ''
  // The bundle of core's index is core.
  return (await import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`)) as Core
}

function sow({ onLoad }: PluginBuild, change: Change, sown: Set<Change>): void {
  const { file, find, replace } = change
  onLoad({ filter: new RegExp(`/${file.replaceAll('.', '[.]')}$`) }, async ({ path }) => {
    const text = await readFile(path, 'utf8')
    if (text.split(find).length === 2) sown.add(change)
    return { contents: text.replace(find, () => replace), loader: 'ts' }
  })
}
