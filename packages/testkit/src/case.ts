/** One promise as data: a stable id, what is promised, and the proof. Works under any test runner. */
export interface Case<Subject> {
  /** Stable, e.g. `store/create-is-exclusive`: documents, changelogs and exemptions cite it. */
  readonly id: string
  /** What is observed, in the present tense. */
  readonly title: string
  /** `must`: breaking it breaks a guarantee of sess. `should`: a sound exception is possible, and has to be declared. */
  readonly level: 'must' | 'should'
  /** Resolves when the promise holds; rejects with a plain Error that says what was seen instead. */
  readonly run: (subject: Subject) => Promise<void>
}

/** Throws unless `value` is truthy. */
export function ok(value: unknown, what: string): asserts value {
  if (!value) throw new Error(`${what}: got ${show(value)}`)
}

/** Throws unless both are the same value (`Object.is`). */
export function equal<T>(actual: T, expected: T, what: string): void {
  if (!Object.is(actual, expected)) throw new Error(`${what}: expected ${show(expected)}, got ${show(actual)}`)
}

/** Throws if both are the same value (`Object.is`). */
export function notEqual<T>(actual: T, unexpected: T, what: string): void {
  if (Object.is(actual, unexpected)) throw new Error(`${what}: got ${show(actual)} again`)
}

/** Throws unless both have the same shape: own enumerable keys, array lengths and primitive values. Names the first difference. */
export function deepEqual(actual: unknown, expected: unknown, what: string): void {
  const found = difference(actual, expected, '')
  if (found !== null) throw new Error(`${what}: ${found}`)
}

/** Throws unless `promise` rejects, with `code` as its error's `code` if one is given. Resolves to the error. */
export async function rejects(promise: Promise<unknown>, what: string, code?: string): Promise<unknown> {
  const outcome = await promise.then(
    (value) => ({ rejected: false, value }) as const,
    (error: unknown) => ({ rejected: true, error }) as const,
  )
  if (!outcome.rejected) throw new Error(`${what}: expected a rejection, got ${show(outcome.value)}`)
  const { error } = outcome
  const got = isObject(error) && 'code' in error ? error.code : undefined
  if (code !== undefined && got !== code) {
    throw new Error(`${what}: expected ${code}, got ${show(got)} (${String(error)})`, { cause: error })
  }
  return error
}

function difference(actual: unknown, expected: unknown, path: string): string | null {
  if (Object.is(actual, expected)) return null
  const at = path === '' ? '' : `at ${path}: `
  if (!isObject(actual) || !isObject(expected) || Array.isArray(actual) !== Array.isArray(expected)) {
    return `${at}expected ${show(expected)}, got ${show(actual)}`
  }
  for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    const where = path === '' ? key : `${path}.${key}`
    if (!Object.hasOwn(actual, key)) return `at ${where}: missing, expected ${show(expected[key])}`
    if (!Object.hasOwn(expected, key)) return `at ${where}: not expected, got ${show(actual[key])}`
    const found = difference(actual[key], expected[key], where)
    if (found !== null) return found
  }
  return null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

const SHOWN = 160

function show(value: unknown): string {
  const text = typeof value === 'string' || isObject(value) ? (JSON.stringify(value) ?? String(value)) : String(value)
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}… (${text.length} characters)`
}
