import { ValueError } from '@sess/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyPatch, Draft, dropKeys, mergeChanges, pickKeys } from '../../src/data/draft.ts'
import { DataShape } from '../../src/data/shape.ts'

const shape = new DataShape({})
const draftOf = (data: object) => new Draft(Object.keys(data).length === 0 ? '' : JSON.stringify(data), shape)
const read = (text: string): unknown => (text === '' ? {} : JSON.parse(text))
const increment = (value: unknown) => Number(value ?? 0) + 1

/** The keys that the draft has changed, and the text each plain change gives its key. */
function changed(draft: Draft): Record<string, string | null> {
  return Object.fromEntries(
    [...draft.changes().patch].map(([key, change]) => [key, change.type === 'set' ? change.text : 'update']),
  )
}

/** What `draft` makes of data that somebody else has changed to `current`. */
function mergedInto(draft: Draft, current: object): unknown {
  return read(applyPatch(draft.changes().patch, JSON.stringify(current), shape).text)
}

describe('a draft', () => {
  it('has changed nothing while it is only read', () => {
    const draft = draftOf({ a: 1, b: { c: [1] } })
    expect(draft.changes().patch.size).toBe(0)
    expect(draft.view.b).toEqual({ c: [1] })
    expect(draft.changes().patch.size).toBe(0)
  })

  it('has changed nothing while it is only read, with a codec of its own', () => {
    const reversed = (text: string) => [...text].reverse().join('')
    const codec = {
      stringify: (value: unknown) => reversed(JSON.stringify(value)),
      parse: (text: string) => JSON.parse(reversed(text)),
    }
    const draft = new Draft('{"a":"21"}', new DataShape({ codec }))
    expect(draft.view).toEqual({ a: 12 })
    expect(draft.changes()).toMatchObject({ patch: new Map(), text: '{"a":"21"}' })
  })

  it('has changed nothing while data nested a thousand deep is only read', () => {
    const draft = new Draft(`{"a":${'['.repeat(1000)}${']'.repeat(1000)}}`, shape)
    expect(draft.view.a).toHaveLength(1)
    expect(draft.changes().patch.size).toBe(0)
  })

  it('is not parsed while nobody reads it', () => {
    const draft = new Draft('no JSON at all', shape)
    expect(draft.changes()).toMatchObject({ patch: new Map(), text: 'no JSON at all' })
  })

  it('sees what was set, deleted, and changed deep inside', () => {
    const draft = draftOf({ same: 1, set: 1, gone: 1, deep: { list: [1] } })
    draft.view.set = 2
    draft.view.added = null
    delete draft.view.gone
    ;(draft.view.deep as { list: number[] }).list.push(2)
    draft.update('counted', increment)
    expect(changed(draft)).toEqual({ set: '2', gone: null, deep: '{"list":[1,2]}', added: 'null', counted: 'update' })
  })

  it('has changed nothing when a value was put back, or a key re-ordered', () => {
    const draft = draftOf({ a: 1, b: 2 })
    draft.view.a = 5
    draft.view.a = 1
    delete draft.view.b
    draft.view.b = 2
    expect(draft.changes().patch.size).toBe(0)
  })

  it.each([
    ['a Map where {} was', 'object', new Map([['a', 1]])],
    ['NaN where null was', 'nothing', Number.NaN],
    ['an object that writes itself as the text that was', 'text', { toJSON: () => 'same' }],
  ])('refuses %s, though its JSON is the same', (_, key, value) => {
    const draft = draftOf({ object: {}, nothing: null, text: 'same' })
    draft.view[key] = value
    expect(() => draft.changes()).toThrow(ValueError)
  })

  it('has changed nothing where keys are numbers and stand in another order', () => {
    const draft = new Draft('{"b":1,"2":1,"1":1}', shape)
    expect(draft.view).toEqual({ 1: 1, 2: 1, b: 1 })
    expect(draft.changes().patch.size).toBe(0)
  })

  it('has changed nothing where it was empty and still is', () => {
    const draft = new Draft('', shape)
    expect(draft.view).toEqual({})
    expect(draft.changes()).toMatchObject({ patch: new Map(), text: '' })
  })

  it('takes undefined for absence', () => {
    const draft = draftOf({ a: 1 })
    draft.view.a = undefined
    draft.view.b = undefined
    expect(changed(draft)).toEqual({ a: null })
    draft.update('a', () => undefined)
    expect('a' in draft.view).toBe(false)
  })

  it('keeps keys that mean something elsewhere as data', () => {
    const draft = draftOf({})
    Object.assign(draft.view, JSON.parse('{"__proto__":{"admin":true},"constructor":"x"}'))
    expect(draft.changes().text).toBe('{"__proto__":{"admin":true},"constructor":"x"}')
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
    const again = new Draft(draft.changes().text, shape)
    expect(Object.getPrototypeOf(again.view)).toBeNull()
    expect(Object.keys(again.view)).toEqual(['__proto__', 'constructor'])
    expect(again.view.toString).toBeUndefined()
  })

  it('refuses an update function that returns a promise', () => {
    const draft = draftOf({ a: 1 })
    expect(() => draft.update('a', async () => 2)).toThrow(ValueError)
    expect(draft.view.a).toBe(1)
  })

  it('names the path of what cannot be stored', () => {
    const draft = draftOf({})
    draft.view.cart = { items: [{ at: new Date() }] }
    expect(() => draft.changes()).toThrow(/session\.data\.cart\.items\[0\]\.at: a Date/)
  })

  it.each(['array', 'object'])(
    'refuses an %s nested without end, and does not hang',
    (kind) => {
      let value: unknown = 1
      for (let depth = 0; depth < 100_000; depth += 1) value = kind === 'array' ? [value] : { value }
      const draft = draftOf({})
      draft.view.deep = value
      expect(() => draft.changes()).toThrow(ValueError)
    },
    5000,
  )

  it('checks a thousand levels without delay', () => {
    let value: unknown = 1
    for (let depth = 0; depth < 1000; depth += 1) value = [value]
    const draft = draftOf({})
    draft.view.deep = value
    expect(draft.changes().patch.size).toBe(1)
  }, 10_000)
})

describe('a patch on data that has changed since', () => {
  it('touches only the keys it changed', () => {
    const draft = draftOf({ mine: 1, theirs: 1 })
    draft.view.mine = 2
    expect(mergedInto(draft, { mine: 1, theirs: 9, new: 3 })).toEqual({ mine: 2, theirs: 9, new: 3 })
  })

  it('runs update functions again on the value that is there', () => {
    const draft = draftOf({ count: 1 })
    draft.update('count', increment)
    draft.update('count', increment)
    expect(draft.view.count).toBe(3)
    expect(mergedInto(draft, { count: 10 })).toEqual({ count: 12 })
    expect(mergedInto(draft, { other: 1 })).toEqual({ other: 1, count: 2 })
  })

  it('runs update functions that follow a plain change on that change', () => {
    const draft = draftOf({ count: 1 })
    draft.view.count = 100
    draft.update('count', increment)
    expect(mergedInto(draft, { count: 10 })).toEqual({ count: 101 })
  })

  it('takes a plain change after an update function for a plain change', () => {
    const draft = draftOf({ count: 1 })
    draft.update('count', increment)
    draft.view.count = 50
    expect(mergedInto(draft, { count: 10 })).toEqual({ count: 50 })
  })

  it('deletes and re-creates by update functions', () => {
    const draft = draftOf({ count: 1, draft: 'x' })
    draft.update('draft', () => undefined)
    expect(mergedInto(draft, { draft: 'y' })).toEqual({})
    draft.update('draft', (value) => (value === undefined ? 'again' : 'no'))
    expect(mergedInto(draft, { draft: 'y' })).toEqual({ draft: 'again' })
  })

  it('tells which plain changes replaced somebody else’s', () => {
    const draft = draftOf({ a: 1, b: 1, c: 1, d: 1 })
    draft.view.a = 2
    draft.view.b = 2
    draft.update('c', increment)
    draft.view.d = 2
    const current = JSON.stringify({ a: 9, b: 2, c: 9, d: 1 })
    expect(applyPatch(draft.changes().patch, current, shape).overwritten).toEqual(['a'])
  })

  it('runs a mutating update function on a fresh value each time', () => {
    const draft = draftOf({ cart: [1] })
    draft.update('cart', (cart) => {
      const list = cart as number[]
      list.push(list.length + 1)
      return list
    })
    expect(mergedInto(draft, { cart: [1, 5] })).toEqual({ cart: [1, 5, 3] })
    expect(mergedInto(draft, { cart: [1, 5] })).toEqual({ cart: [1, 5, 3] })
  })
})

describe('a draft whose changes were saved', () => {
  it('measures later changes from there', () => {
    const draft = draftOf({ a: 1 })
    draft.view.a = 2
    const changes = draft.changes()
    draft.view.b = 'while the commit ran'
    draft.settle(changes, changes.text)
    expect(changed(draft)).toEqual({ b: '"while the commit ran"' })
    expect(mergeChanges(draft.changes(), '{"a":2}', shape).text).toBe('{"a":2,"b":"while the commit ran"}')
  })

  it('measures from there, too, where it was first looked at while the commit ran', () => {
    const draft = draftOf({ a: 1 })
    const changes = draft.changes()
    draft.view.a = 2
    draft.settle(changes, changes.text)
    expect(changed(draft)).toEqual({ a: '2' })
  })

  it('does not take its view for the whole truth once others were merged in', () => {
    const draft = draftOf({ a: 1 })
    draft.view.a = 2
    draft.settle(draft.changes(), '{"a":2,"theirs":1}')
    draft.view.b = 3
    expect(mergeChanges(draft.changes(), '{"a":2,"theirs":1}', shape).text).toBe('{"a":2,"theirs":1,"b":3}')
  })

  it('shows what the update functions made of the value that was there', () => {
    const draft = draftOf({ count: 1, gone: 1 })
    draft.update('count', increment)
    draft.update('gone', () => undefined)
    draft.settle(draft.changes(), '{"count":11,"other":1}')
    expect(draft.view.count).toBe(11)
    expect('gone' in draft.view).toBe(false)
    expect(draft.changes().patch.size).toBe(0)
  })
})

describe('a draft whose update ended otherwise on the stored value', () => {
  it('shows that, with updates called since on top', () => {
    const draft = draftOf({ tries: 1, count: 1 })
    draft.update('tries', (tries) => (Number(tries) > 5 ? undefined : Number(tries) + 1))
    draft.update('count', increment)
    const changes = draft.changes()
    draft.update('count', increment)
    draft.settle(changes, mergeChanges(changes, '{"tries":9,"count":10}', shape).text)
    expect('tries' in draft.view).toBe(false)
    expect(draft.view.count).toBe(12)
    expect(mergedInto(draft, { count: 100 })).toEqual({ count: 101 })
  })
})

describe('pickKeys and dropKeys', () => {
  it('keep the named keys, and name the others', () => {
    expect(dropKeys('{"a":1,"b":{"a":2},"c":3}', ['c', 'a', 'missing'])).toEqual(['b'])
    expect(pickKeys('{"a":1,"b":{"a":2},"c":3}', ['c', 'a', 'missing'])).toBe('{"a":1,"c":3}')
    expect(pickKeys('{"a":1}', [])).toBe('')
    expect(pickKeys('', ['a'])).toBe('')
  })
})

type Step =
  | { readonly type: 'set'; readonly key: string; readonly value: number }
  | { readonly type: 'delete'; readonly key: string }
  | { readonly type: 'update'; readonly key: string; readonly by: number }

const key = fc.constantFrom('a', 'b', '__proto__', '1')
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant('set' as const), key, value: fc.nat({ max: 9 }) }),
    fc.record({ type: fc.constant('delete' as const), key }),
    fc.record({ type: fc.constant('update' as const), key, by: fc.integer({ min: 1, max: 9 }) }),
  ),
  { maxLength: 8 },
)
const data = fc.dictionary(key, fc.nat({ max: 9 }), { maxKeys: 4 })

/** What a list of steps makes of one value. */
function fold(list: readonly Step[], value: number | undefined): number | undefined {
  return list.reduce<number | undefined>((old, step) => {
    if (step.type === 'set') return step.value
    return step.type === 'delete' ? undefined : (old ?? 0) + step.by
  }, value)
}

/** The steps on one key that can be seen: plain changes between two updates that leave the value as it was cannot. */
function visible(list: readonly Step[], name: string, before: number | undefined): Step[] {
  const seen: Step[] = []
  let plain: Step[] = []
  const settle = () => {
    const value = fold(seen, before)
    if (fold(plain, value) !== value) seen.push(...plain)
    plain = []
  }
  for (const step of list) {
    if (step.key !== name) continue
    if (step.type !== 'update') plain.push(step)
    else {
      settle()
      seen.push(step)
    }
  }
  settle()
  return seen
}

function run(draft: Draft, list: readonly Step[]): void {
  for (const step of list) {
    if (step.type === 'set') draft.view[step.key] = step.value
    else if (step.type === 'delete') delete draft.view[step.key]
    else draft.update(step.key, (old) => Number(old ?? 0) + step.by)
  }
}

describe('merging', () => {
  it('gives what running the second request after the first would have given, key by key', () => {
    fc.assert(
      fc.property(data, data, steps, (base, current, list) => {
        const draft = draftOf(base)
        run(draft, list)
        const text = Object.keys(current).length === 0 ? '' : JSON.stringify(current)
        const merged = read(applyPatch(draft.changes().patch, text, shape).text) as Record<string, number>
        for (const name of ['a', 'b', '__proto__', '1']) {
          const [before, there] = [base, current].map((object) =>
            Object.hasOwn(object, name) ? object[name] : undefined,
          )
          const steps = visible(list, name, before)
          const expected = fold(steps, before) === before ? there : fold(steps, there)
          expect(Object.hasOwn(merged, name) ? merged[name] : undefined).toBe(expected)
        }
      }),
      { numRuns: 3000 },
    )
  })
})
