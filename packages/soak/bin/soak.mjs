// npm run soak: servers under steady load, and a million sessions through the memory store. Arguments go to it:
//   --minutes 5  --clients 24  --sessions 1000000  --json
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
