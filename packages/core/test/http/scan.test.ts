import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scanCookies } from '../../src/http/cookie.ts'

/** RFC 6265bis §4.2.1: cookie-pair *( ";" SP cookie-pair ). */
function parse(header: string, name: string): string[] {
  return header
    .split(';')
    .map((pair) => pair.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1))
    .slice(0, 3)
}

const names = fc.constantFrom('sid', 'sid2', 'xsid', 'si', 'SID', '__Host-Http-sid', 'sidsid')
const values = fc.stringMatching(/^[!#-+\--:<-[\]-~]{0,12}$/)
const separators = fc.constantFrom('; ', ';', ' ; ', ';\t')
const headers = fc
  .array(
    fc.tuple(
      fc.tuple(names, values).map(([name, value]) => `${name}=${value}`),
      separators,
    ),
    { maxLength: 8 },
  )
  .map((pairs) => pairs.map(([pair, separator], index) => (index === 0 ? pair : separator + pair)).join(''))

describe('scanning the Cookie header', () => {
  it('finds what a full parse finds', () => {
    fc.assert(
      fc.property(headers, names, (header, name) => {
        expect(scanCookies(header, name)).toEqual(parse(header, name))
      }),
      { numRuns: 5000 },
    )
  })

  it('never throws, and never finds more than three, on any text', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('sid=', 'sid', '=', ';', ' ', '"', '%', 'a', '\0', 'ä')), (parts) => {
        expect(scanCookies(parts.join(''), 'sid').length).toBeLessThanOrEqual(3)
      }),
    )
  })

  it.each([
    ['nothing', '', []],
    ['only others', 'a=1; b=2', []],
    ['one', 'sid=x', ['x']],
    ['an empty value', 'sid=; a=1', ['']],
    ['a value with an equals sign', 'sid=a=b', ['a=b']],
    ['a quoted value, taken literally', 'sid="x"', ['"x"']],
    ['a percent-broken value, taken literally', 'sid=%E0%A4%A', ['%E0%A4%A']],
    ['the name inside another value', 'a=sid=x', []],
    ['the name inside another name', 'xsid=x; sid2=y', []],
    ['the name in another case', 'SID=x', []],
    ['the name without a value', 'sid; a=1', []],
    ['one behind malformed ones', '=;;; ;"; a; sid=x', ['x']],
    ['one behind another’s open quote', 'a="; sid=x', ['x']],
    ['several, in order', 'sid=1; a=1; sid=2', ['1', '2']],
    ['more than three', 'sid=1; sid=2; sid=3; sid=4', ['1', '2', '3']],
    ['one that follows a tab', 'a=1;\tsid=x', ['x']],
  ])('%s', (_, header, expected) => {
    expect(scanCookies(header, 'sid')).toEqual(expected)
  })

  it.each([
    ['the name over and over', 'sid='.repeat(250_000)],
    ['spaces in front of the name', `${' '.repeat(1_000_000)}sid=x`],
    ['separators', ';'.repeat(1_000_000)],
    ['names that nearly match', 'sid'.repeat(333_000)],
    ['spaces and names', ' sid='.repeat(200_000)],
  ])(
    'takes linear time: a megabyte of %s',
    (_, header) => {
      expect(scanCookies(header, 'sid').length).toBeLessThanOrEqual(3)
    },
    10_000,
  )
})
