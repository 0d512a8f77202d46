import type { Session } from '@sess/core'
import { deepEqual, equal, ok } from '../case.ts'
import { type AdapterCase, must } from './app.ts'

/** An object that contains itself, some levels down. */
function cycle(): object {
  const inner: { parent?: object } = {}
  const outer = { list: [inner] }
  inner.parent = outer
  return outer
}

/** Values that JSON would change without a word, each with the path that the error has to name. */
const refused: Readonly<Record<string, { value: () => unknown; path: string }>> = {
  date: { value: () => new Date(0), path: 'value' },
  'date-inside': { value: () => ({ items: [{}, { addedAt: new Date(0) }] }), path: 'value.items[1].addedAt' },
  map: { value: () => new Map([[1, 2]]), path: 'value' },
  set: { value: () => ({ tags: new Set(['a']) }), path: 'value.tags' },
  bigint: { value: () => ({ amount: 10n }), path: 'value.amount' },
  nan: { value: () => [Number.NaN], path: 'value[0]' },
  infinity: { value: () => Number.POSITIVE_INFINITY, path: 'value' },
  cycle: { value: cycle, path: 'value.list[0].parent' },
  function: { value: () => ({ run: () => undefined }), path: 'value.run' },
  symbol: { value: () => Symbol('x'), path: 'value' },
  'class-instance': { value: () => new (class Cart {})(), path: 'value' },
  'undefined-in-array': { value: () => [1, undefined], path: 'value[1]' },
  buffer: { value: () => new Uint8Array(2), path: 'value' },
}

/** What comes back as it went in. */
const kept: Readonly<Record<string, unknown>> = {
  text: 'ümlaut \u2028 "quotes" \\ \u0000 😀',
  number: -0.5,
  nothing: null,
  nested: { list: [[], {}, [{ deep: [true, false, null] }]] },
  empty: '',
  'key with "quotes" and, commas: {}': 1,
}

const habits = ['destroy', 'regenerate', 'save', 'reload', 'touch', 'resetMaxAge'] as const
const foreign = ['cookie', 'id'] as const

async function codeOf(work: () => unknown): Promise<unknown> {
  try {
    await work()
    return 'no error'
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
}

/** Uses the session as one of another library is used, in a handler that lets the error through. */
function misuse(id: string, title: string, use: (session: Session) => unknown): AdapterCase {
  return must(`values/habit/${id}`, `${title} throws ERR_SESS_USE_DATA`, async (app) => {
    const browser = await app.signedIn()
    let code: unknown
    const answer = await browser.visit(async (session) => {
      code = await codeOf(() => use(session))
      use(session)
    })
    equal(code, 'ERR_SESS_USE_DATA', 'code')
    equal(answer.status, 500, 'status when the handler lets it through')
    equal((await browser.look()).subject, 'ada', 'subject')
  })
}

export const valueCases: readonly AdapterCase[] = [
  ...Object.entries(refused).map(([name, { value, path }]) =>
    must(
      `values/refused/${name}`,
      `${name}: refused with the path ${path}, nothing saved, nothing hangs`,
      async (app) => {
        const browser = await app.signedIn()
        let error: { code?: unknown; path?: unknown } = {}
        const explicit = await browser.visit(async (session) => {
          session.data.fine = 1
          session.data.value = value()
          await session.commit().catch((caught: typeof error) => {
            error = caught
            throw caught
          })
        })
        deepEqual([error.code, error.path], ['ERR_SESS_VALUE', path], 'code and path')
        equal(explicit.status, 500, 'status when the handler lets it through')
        const implicit = await browser.visit((session) => {
          session.data.value = value()
        })
        deepEqual([implicit.status, implicit.cookies], [500, []], 'status and Set-Cookie lines without a commit()')
        const { subject, data } = await browser.look()
        deepEqual([subject, data], ['ada', {}], 'the session afterwards')
      },
    ),
  ),
  must(
    'values/refused/keeps-sign-out',
    'a value that cannot be stored does not keep a sign-out from happening',
    async (app) => {
      const browser = await app.signedIn()
      const thief = browser.copy()
      const answer = await browser.visit((session) => {
        session.signOut()
        session.data.value = new Date(0)
      })
      equal(answer.status, 500, 'status')
      equal((await thief.look()).subject, null, 'subject behind the old cookie')
    },
  ),
  must('values/kept', 'JSON values come back as they went in', async (app) => {
    const browser = await app.signedIn()
    await browser.visit((session) => void Object.assign(session.data, kept))
    deepEqual((await browser.look()).data, kept, 'data')
  }),
  must(
    'values/prototype-keys',
    '__proto__ and constructor are harmless keys: kept, and nothing is polluted',
    async (app) => {
      const browser = await app.signedIn()
      const hostile = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'
      await browser.visit((session) => {
        session.data.nested = JSON.parse(hostile)
        for (const [key, value] of Object.entries(JSON.parse(hostile) as object)) session.data[key] = value
      })
      const { data } = await browser.look()
      ok(Object.hasOwn(data, '__proto__') && Object.hasOwn(data, 'constructor'), 'both keys as own properties')
      equal(JSON.stringify(data.nested), hostile, 'the nested value')
      await browser.visit((session) => session.update('__proto__', () => ({ polluted: 2 })))
      equal(Reflect.get({}, 'polluted'), undefined, 'pollution of all objects')
    },
  ),
  must('values/big', 'a session of 200 KB comes back as it was', async (app) => {
    const browser = await app.signedIn()
    const items = Array.from({ length: 2000 }, (_, at) => ({ at, text: 'x'.repeat(80) }))
    await browser.visit((session) => {
      session.data.items = items
    })
    deepEqual((await browser.look()).data.items, items, 'data')
  }),
  misuse('assignment', 'session.foo = 1', (session) => Object.assign(session, { foo: 1 })),
  misuse('user', 'session.user = …', (session) => Reflect.set(session, 'user', { id: 1 })),
  ...habits.map((name) => misuse(kebab(name), `session.${name}()`, (session) => callMissing(session, name))),
  ...foreign.map((name) => misuse(name, `session.${name}`, (session) => Reflect.get(session, name))),
]

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function callMissing(session: Session, name: string): unknown {
  const method: unknown = Reflect.get(session, name)
  return typeof method === 'function' ? method.call(session) : undefined
}
