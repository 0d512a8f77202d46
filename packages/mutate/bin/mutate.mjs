// npm run mutate: mutants of the core, group by group, against the tests of the core. Fails when one survives that
// survivors.json does not explain, and when a group is below its score.
//   npm run mutate            every group: hours
//   npm run mutate kernel     one group; mutants whose code and tests are as they were are not tried again
// What --only leaves out counts as it was the last time. --without test/manager/live.test.ts,… makes a first run quick;
// what survives it has to be tried again with all tests.
//   npm run mutate kernel -- --only packages/core/src/kernel/present.ts  --force  --json docs/benchmarks/mutation.json
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { bootstrap } from '../../repo/bin/bootstrap.mjs'
import { root, run } from '../../repo/bin/workspace.mjs'
import { groups } from './groups.mjs'
import { judge, merge, SCORE } from './judge.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    force: { type: 'boolean' },
    without: { type: 'string' },
    json: { type: 'string' },
  },
})

/** @param {string} file */
const read = (file) => JSON.parse(readFileSync(path.join(root, file), 'utf8'))

/** @param {string} group */
async function mutate(group) {
  const stryker = path.join(root, 'packages/mutate/node_modules/.bin/stryker')
  const args = ['run', 'packages/mutate/stryker.config.mjs', ...(values.force ? ['--force'] : [])]
  const only = values.only === undefined ? {} : { MUTATE_ONLY: values.only }
  const without = values.without === undefined ? {} : { MUTATE_WITHOUT: values.without }
  const code = await run(stryker, args, { env: { MUTATE: group, ...only, ...without } })
  if (code !== 0) return null
  const merged = `packages/mutate/dist/${group}.merged.json`
  const earlier = values.only !== undefined && existsSync(path.join(root, merged)) ? read(merged) : null
  const report = merge(earlier, read(`packages/mutate/dist/${group}.json`))
  writeFileSync(path.join(root, merged), JSON.stringify(report))
  return judge(report, read('packages/mutate/survivors.json'))
}

if (await bootstrap()) {
  /** @type {Record<string, import('./judge.mjs').Verdict>} */
  const verdicts = {}
  for (const group of positionals.length > 0 ? positionals : Object.keys(groups)) {
    const verdict = await mutate(group)
    if (verdict === null || verdict.unexplained.length > 0 || verdict.score < SCORE) process.exitCode = 1
    if (verdict === null) continue
    verdicts[group] = verdict
    for (const mutant of verdict.unexplained) console.log(`✗ not explained: ${mutant}`)
    console.log(
      `${group}: ${verdict.killed} of ${verdict.mutants} killed (${verdict.score} %), ${verdict.explained} explained`,
    )
  }
  if (values.json !== undefined) {
    const known = existsSync(path.join(root, values.json)) ? read(values.json) : {}
    writeFileSync(path.join(root, values.json), `${JSON.stringify({ ...known, ...verdicts }, null, 2)}\n`)
  }
} else {
  process.exitCode = 1
}
