import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyPatch, Draft, mergeChanges } from '../../src/data/draft.ts'
import { DataShape } from '../../src/data/shape.ts'

const shape = new DataShape({})
const keys = fc.constantFrom('a', 'b', 'c', '7', '__proto__', 'constructor', '')
const values = fc.jsonValue({ maxDepth: 2 })
const documents = fc.dictionary(keys, values, { maxKeys: 5 })
const edits = fc.array(fc.tuple(keys, fc.option(values, { nil: undefined, freq: 4 })), { maxLength: 6 })

type Edits = readonly (readonly [key: string, value: unknown])[]

const write = (data: object): string => (Object.keys(data).length === 0 ? '' : JSON.stringify(data))
const read = (text: string): unknown => (text === '' ? {} : JSON.parse(text))

/** What one request changes of what it found. */
function changesOf(text: string, list: Edits) {
  const draft = new Draft(text, shape)
  for (const [key, value] of list) draft.update(key, () => value)
  return draft.changes()
}

function assignmentsOf(text: string, list: Edits) {
  const draft = new Draft(text, shape)
  for (const [key, value] of list) {
    if (value === undefined) delete draft.view[key]
    else Object.defineProperty(draft.view, key, { value, writable: true, enumerable: true, configurable: true })
  }
  return draft.changes()
}

describe('data', () => {
  it('is read as it was written, whatever it holds', () => {
    fc.assert(
      fc.property(documents, (data) => {
        const text = write(data)
        expect(write(new Draft(text, shape).view)).toBe(text)
        expect([...shape.encode(new Draft(text, shape).view).keys()]).toEqual(Object.keys(data))
      }),
    )
  })

  it('has no changes where nothing was changed', () => {
    fc.assert(
      fc.property(documents, (data) => {
        const draft = new Draft(write(data), shape)
        void draft.view
        expect(draft.changes().patch.size).toBe(0)
      }),
    )
  })
})

describe('patches', () => {
  it('of different keys commute, whoever commits first', () => {
    fc.assert(
      fc.property(documents, edits, edits, (data, one, two) => {
        const text = write(data)
        const others = two.filter(([key]) => !one.some(([taken]) => taken === key))
        const [first, second] = [assignmentsOf(text, one).patch, assignmentsOf(text, others).patch]
        const there = applyPatch(second, applyPatch(first, text, shape).text, shape)
        const back = applyPatch(first, applyPatch(second, text, shape).text, shape)
        expect(read(there.text)).toEqual(read(back.text))
        expect([...there.overwritten, ...back.overwritten]).toEqual([])
      }),
    )
  })

  it('of plain changes change nothing when they are applied again', () => {
    fc.assert(
      fc.property(documents, documents, edits, (data, other, list) => {
        const { patch } = assignmentsOf(write(data), list)
        const once = applyPatch(patch, write(other), shape).text
        expect(read(applyPatch(patch, once, shape).text)).toEqual(read(once))
      }),
    )
  })

  it('on what the request had found give what the request saw', () => {
    fc.assert(
      fc.property(documents, edits, (data, list) => {
        for (const changes of [changesOf(write(data), list), assignmentsOf(write(data), list)]) {
          const merged = mergeChanges(changes, write(data), shape).text
          expect(read(merged)).toEqual(read(changes.text))
          expect(read(applyPatch(changes.patch, write(data), shape).text)).toEqual(read(changes.text))
        }
      }),
    )
  })
})
