import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Changes, Draft, mergeChanges } from '../../src/data/draft.ts'
import { DataShape } from '../../src/data/shape.ts'

const shape = new DataShape({})
const KEYS = ['a', 'b', '7'] as const

const steps = fc.array(
  fc.record({
    type: fc.constantFrom('set', 'update', 'update', 'begin', 'land', 'read', 'other set', 'other add'),
    key: fc.constantFrom(...KEYS),
  }),
  { maxLength: 60 },
)

/** What is wanted of one key: so much more than `set`, or than what is there. */
interface Want {
  readonly set: number | null
  readonly add: number
}

class Model {
  readonly stored = new Map<string, number>()
  wants = new Map<string, Want>()
  underway = new Map<string, Want>()

  want(key: string, change: (want: Want) => Want): void {
    this.wants.set(key, change(this.wants.get(key) ?? { set: null, add: 0 }))
  }

  begin(): void {
    this.underway = this.wants
    this.wants = new Map()
  }

  land(): void {
    for (const [key, { set, add }] of this.underway) this.stored.set(key, (set ?? this.stored.get(key) ?? 0) + add)
    this.underway = new Map()
  }
}

const read = (text: string): Record<string, number> => (text === '' ? {} : JSON.parse(text))

it('what is changed before, while and after its commits is saved once, on what others have saved', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...KEYS), fc.nat({ max: 9 })), steps, (base, list) => {
      let text = Object.keys(base).length === 0 ? '' : JSON.stringify(base)
      const draft = new Draft(text, shape)
      const model = new Model()
      for (const [key, value] of Object.entries(base)) model.stored.set(key, value)
      let unique = 1000
      let changes: Changes | null = null

      const land = () => {
        if (changes === null) return
        if (changes.patch.size > 0) {
          text = mergeChanges(changes, text, shape).text
          draft.settle(changes, text)
        }
        changes = null
        model.land()
      }
      const begin = () => {
        land()
        changes = draft.changes()
        model.begin()
      }

      for (const { type, key } of list) {
        unique += 1000
        if (type === 'begin') begin()
        else if (type === 'land') land()
        else if (type === 'read') void draft.view[key]
        else if (type === 'set') {
          draft.view[key] = unique
          model.want(key, () => ({ set: unique, add: 0 }))
        } else if (type === 'update') {
          draft.update(key, (value) => Number(value ?? 0) + 1)
          model.want(key, (want) => ({ ...want, add: want.add + 1 }))
        } else {
          const data = read(text)
          data[key] = type === 'other set' ? unique : (data[key] ?? 0) + 1
          text = JSON.stringify(data)
          model.stored.set(key, data[key])
        }
      }
      begin()
      land()
      expect(new Map(Object.entries(read(text)))).toEqual(model.stored)
    }),
    { numRuns: 3000 },
  )
})
