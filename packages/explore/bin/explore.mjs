// npm run explore: bundles the explorer and runs it. Arguments go to it:
//   --quick (a share of each family)  --only "2 requests, every fault"  --workers 2  --json
//   --check (only the declared limits and the seeded faults)
import { bootstrap } from '../../repo/bin/bootstrap.mjs'
import { run } from '../../repo/bin/workspace.mjs'

if (await bootstrap()) {
  const { bundle } = await import('../../repo/bin/bundle.mjs')
  process.exitCode = await run('node', [
    '--enable-source-maps',
    await bundle(import.meta.url, ['esbuild']),
    ...process.argv.slice(2),
  ])
} else {
  process.exitCode = 1
}
