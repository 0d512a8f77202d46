// npm run pack: every published package as a tarball in tarballs/, as it would be published.
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { packAll } from './check-exports.mjs'
import { root } from './workspace.mjs'

const target = path.join(root, 'tarballs')
mkdirSync(target, { recursive: true })
const packed = await packAll(target)
for (const { file } of packed ?? []) console.log(path.relative(root, file))
process.exitCode = packed === null ? 1 : 0
