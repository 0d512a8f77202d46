// npm run version-packages: applies the changesets. All published packages share one version (`fixed`).
// changesets answers a minor release of a peer dependency with a major release of its dependents; before 1.0 that would
// make 1.0.0 of everything by accident, so the peers on each other are hidden from it while it counts.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { folders, manifest, root, run } from './workspace.mjs'

/** @typedef {{ peerDependencies?: Record<string, string> }} Peers */

/** @param {string} folder @param {(peers: Record<string, string>) => Record<string, string>} change */
function changePeers(folder, change) {
  const file = path.join(root, folder, 'package.json')
  /** @type {Peers} */
  const json = JSON.parse(readFileSync(file, 'utf8'))
  if (!json.peerDependencies) return
  json.peerDependencies = change(json.peerDependencies)
  writeFileSync(file, `${JSON.stringify(json, null, 2)}\n`)
}

const published = folders().filter((folder) => !manifest(folder).private)
const before = new Map(
  published.map((folder) => [folder, /** @type {Peers} */ (manifest(folder)).peerDependencies ?? {}]),
)
const isOurs = (/** @type {string} */ name) => name.startsWith('@sess/')

for (const folder of published)
  changePeers(folder, (peers) => Object.fromEntries(Object.entries(peers).filter(([name]) => !isOurs(name))))
try {
  process.exitCode = await run('changeset', ['version'])
} finally {
  for (const [folder, peers] of before) changePeers(folder, () => peers)
  await run('biome', ['format', '--write', '.'], { quiet: true })
}
