// npm run fuzz: bundles the fuzzer and runs it. Arguments go to it:
//   --inputs 10000000  --seed 7  --workers 2  --only "Cookie header"  --json
//   --timing (whether the check of a token takes longer the more of it is right)
import { bootstrap } from '../../repo/bin/bootstrap.mjs'
import { run } from '../../repo/bin/workspace.mjs'

if (await bootstrap()) {
  const { bundle } = await import('../../repo/bin/bundle.mjs')
  process.exitCode = await run('node', [
    '--enable-source-maps',
    await bundle(import.meta.url),
    ...process.argv.slice(2),
  ])
} else {
  process.exitCode = 1
}
