import { copyFile } from 'node:fs/promises'
import { defineConfig } from 'tsup'
import { preset } from '../../tsup.preset.ts'

export default defineConfig(
  preset({
    entry: ['src/server.ts', 'src/demo.ts'],
    // It has no build of its own; its second process is a file beside it.
    noExternal: ['@sess/services'],
    onSuccess: () => copyFile('../../packages/services/src/keeper.mjs', 'dist/keeper.mjs'),
  }),
)
