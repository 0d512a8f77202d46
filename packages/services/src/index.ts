import { inject } from 'vitest'
import type { Address, Kind } from './start.ts'
import type {} from './setup.ts'

/** How to reach a server, or `missing`, which says why it cannot be had; all else is then empty, so that reading it harms nothing. */
export type Service<K extends Kind> = Address<K> & { readonly missing: string }

const nothing = { url: '', replica: '', nodes: [], pids: [] }

/**
 * The server that the vitest configuration of this package asks for by `services(kind)`. Use it as
 * `describe.skipIf(redis.missing)('… [needs redis]', …)`: npm test knows such a skip by its title.
 *
 * @throws Error when the configuration does not ask for it
 */
export function service<K extends Kind>(kind: K): Service<K> {
  const found = inject('services')?.[kind]
  if (found === undefined) throw new Error(`vitest.config.ts does not ask for it: services('${kind}')`)
  // What is there fits the kind, by setup.ts; what is missing has every field empty.
  return { ...nothing, missing: '', ...found } as unknown as Service<K>
}

export type { Kind } from './start.ts'
