import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { lifecyclePage } from './lifecycle-page.ts'

const PAGE = '../../../../docs/lifecycle.md'
const SOURCE = new URL('../../src/kernel/transition.ts', import.meta.url)

it('docs/lifecycle.md shows the machine as it is', async () => {
  await expect(lifecyclePage()).toMatchFileSnapshot(PAGE)
})

it('the page names the verbs as the grid in the source has them', () => {
  const source = readFileSync(SOURCE, 'utf8')
  const rows = [...source.matchAll(/^ {2}(none|anonymous|authenticated|locked|expired|ended): +\{(.+)\},$/gm)]
  expect(rows).toHaveLength(6)
  for (const [, from, cells] of rows) {
    const verbs = [...(cells ?? '').matchAll(/: (\w+)/g)].map(([, verb]) => verb)
    expect(lifecyclePage()).toContain(`| **${from}** | ${verbs.join(' | ')} |`)
  }
})
