import type { Case } from '../case.ts'
import { abortCases } from './abort.ts'
import { concurrencyCases } from './concurrency.ts'
import { createCases } from './create.ts'
import { fieldCases } from './fields.ts'
import { getCases } from './get.ts'
import { instantCases } from './instants.ts'
import { isolationCases } from './isolation.ts'
import { replaceCases } from './replace.ts'
import type { StoreSubject } from './subject.ts'
import { textCases } from './text.ts'
import { touchCases } from './touch.ts'

/** Everything that `SessionStore` promises. Lists for optional powers of a store stand beside this one, never inside it. */
export const storeCases: readonly Case<StoreSubject>[] = [
  ...createCases,
  ...getCases,
  ...replaceCases,
  ...instantCases,
  ...touchCases,
  ...isolationCases,
  ...fieldCases,
  ...textCases,
  ...concurrencyCases,
  ...abortCases,
]
