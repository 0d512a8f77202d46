// npm run demo: installs and builds what the demo needs, then runs it. Arguments go to the demo.
import path from 'node:path'
import { bootstrap } from './bootstrap.mjs'
import { manifest, root, run } from './workspace.mjs'

const demo = manifest('examples/demo')

async function start() {
  if (!(await bootstrap({ only: demo.name }))) return 1
  const built = await run('turbo', ['run', 'build', `--filter=${demo.name}...`, '--output-logs=errors-only'], {
    quiet: true,
  })
  if (built !== 0) return built
  return run('node', [path.join(root, 'examples/demo', demo.main ?? 'dist/server.js'), ...process.argv.slice(2)])
}

process.exitCode = await start()
