import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinFragments, splitFragments } from '../../src/data/document.ts'

const keys = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    '',
    '0',
    '10',
    '1',
    'a"b',
    '\\',
    '\\"',
    '}',
    '{',
    ',',
    ':',
    '[',
    ']',
  ),
)
const strings = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[\\"{}[\],:]{0,8}$/))
const { value: values } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(strings, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
  ),
}))
const objects = fc.dictionary(keys, values, { maxKeys: 8 })

describe('fragments', () => {
  it('are the top-level keys of the JSON text, in its order, each with the text of its value', () => {
    fc.assert(
      fc.property(objects, (object) => {
        const fragments = splitFragments(JSON.stringify(object))
        expect([...fragments.keys()]).toEqual(Object.keys(object))
        for (const [key, text] of fragments) expect(text).toBe(JSON.stringify(object[key]))
      }),
      { numRuns: 2000 },
    )
  })

  it('give back the text they came from', () => {
    fc.assert(
      fc.property(objects, (object) => {
        const text = JSON.stringify(object)
        expect(joinFragments(splitFragments(text))).toBe(text === '{}' ? '' : text)
      }),
      { numRuns: 2000 },
    )
  })

  it('are none for no data', () => {
    expect(splitFragments('').size).toBe(0)
    expect(splitFragments('{}').size).toBe(0)
    expect(joinFragments(new Map())).toBe('')
  })

  it.each(['nonsense', '{"\\x":1}', '{"a"}', '["a"]', '{"a', '{"a":1,b:2}'])('are none for %s', (text) => {
    expect(splitFragments(text).size).toBe(0)
  })

  it('are found in a megabyte of backslashes without delay', () => {
    const object = { a: '\\'.repeat(500_000), b: '"'.repeat(500_000), c: 1 }
    expect([...splitFragments(JSON.stringify(object)).keys()]).toEqual(['a', 'b', 'c'])
  }, 10_000)

  it('are read only up to their end: deep nesting costs no stack', () => {
    const text = `{"deep":${'['.repeat(200_000)}${']'.repeat(200_000)},"next":1}`
    expect(splitFragments(text).get('next')).toBe('1')
  })
})
