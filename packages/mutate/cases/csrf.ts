import { it } from 'vitest'
import { adapterCases, formCases, register } from '../../testkit/src/index.ts'
import { reference } from '../../testkit/test/reference.ts'

const about = /^adapter\/(csrf|csrf-token|form|strict-writes|client-site-data)\//

/** What is said of all adapters about requests of other sites, of the smallest one. */
register(
  [...adapterCases, ...formCases].filter(({ id }) => about.test(id)),
  () => reference(),
  { it },
)
