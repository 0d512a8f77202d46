import type { Case } from './case.ts'

/** The `it` or `test` of vitest, node:test, bun:test or Deno, as far as it is needed. */
export interface TestFunction {
  (title: string, run: () => Promise<void>): unknown
  /** How vitest, node:test and bun:test skip. */
  skip?(title: string, run: () => Promise<void>): unknown
  /** How `Deno.test` skips. */
  ignore?(title: string, run: () => Promise<void>): unknown
}

/** Options of {@link register}. */
export interface RegisterOptions {
  /** The runner's own function: results, filters and reports stay its business. */
  readonly it: TestFunction
  /** Cases that do not hold, by id, each with its reason. They are skipped with id and reason in the title. Default: none. */
  readonly exempt?: Readonly<Record<string, string>>
}

/** What cases run against; `close` frees it when the case is over. */
export type Closable<Subject extends object> = Subject & { close?(): unknown }

/**
 * Hands every case to the test runner, as `id: title`. Each case gets a subject of its own: `open` is called when the case
 * starts, the subject's `close`, if there is one, when it is over. Cases of level `should` fail like the others; whoever
 * has a sound exception exempts them.
 *
 * @throws Error when `exempt` names no case of the list or gives no reason, or `it` has no way to skip
 */
export function register<Subject extends object>(
  cases: readonly Case<Subject>[],
  open: () => Closable<Subject> | Promise<Closable<Subject>>,
  options: RegisterOptions,
): void {
  const { it, exempt = {} } = options
  checkExemptions(cases, exempt)
  for (const each of cases) {
    const title = `${each.id}: ${each.title}`
    const run = () => runCase(each, open)
    if (Object.hasOwn(exempt, each.id)) skip(it, `${title} (exempt: ${exempt[each.id]})`, run)
    else it(title, run)
  }
}

async function runCase<Subject extends object>(
  each: Case<Subject>,
  open: () => Closable<Subject> | Promise<Closable<Subject>>,
): Promise<void> {
  const subject = await open()
  const ran = await attempt(() => each.run(subject))
  const closed = await attempt(() => subject.close?.())
  // What the case saw matters more than what closing made of it.
  const failed = ran ?? closed
  if (failed !== null) throw failed.error
}

async function attempt(work: () => unknown): Promise<{ readonly error: unknown } | null> {
  try {
    await work()
    return null
  } catch (error) {
    return { error }
  }
}

function skip(it: TestFunction, title: string, run: () => Promise<void>): void {
  if (it.skip !== undefined) it.skip(title, run)
  else if (it.ignore !== undefined) it.ignore(title, run)
  else throw new Error(`\`it\` has neither \`skip\` nor \`ignore\`, so it cannot report: ${title}`)
}

function checkExemptions(cases: readonly Case<never>[], exempt: Readonly<Record<string, string>>): void {
  for (const [id, reason] of Object.entries(exempt)) {
    if (!cases.some((each) => each.id === id))
      throw new Error(`\`exempt\` names \`${id}\`, which is no case of this list`)
    if (reason.trim() === '') throw new Error(`\`exempt\` gives no reason for \`${id}\``)
  }
}
