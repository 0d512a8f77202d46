import { defineConfig } from 'tsup'
import { preset } from '../../tsup.preset.ts'

export default defineConfig(
  preset({
    entry: {
      index: 'src/index.ts',
      kernel: 'src/kernel.ts',
      http: 'src/http.ts',
      store: 'src/store.ts',
      'crypto/digest-node': 'src/crypto/digest-node.ts',
      'crypto/digest-portable': 'src/crypto/digest-portable.ts',
      'http/device-name-library': 'src/http/device-name-library.ts',
      'http/device-name-portable': 'src/http/device-name-portable.ts',
    },
    // Stays an import in dist: the runtime's own condition chooses the file ("imports" in package.json).
    external: ['#digest', '#device-name'],
  }),
)
