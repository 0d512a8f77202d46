import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { placeOf } from '../../src/http/address.ts'

describe('an address', () => {
  it.each([
    ['203.0.113.7', '4', '203.0.113', '203.0.113.7'],
    ['203.0.113.007', '4', '203.0.113', '203.0.113.7'],
    ['203.0.113.7:50123', '4', '203.0.113', '203.0.113.7'],
    ['::ffff:203.0.113.7', '4', '203.0.113', '203.0.113.7'],
    ['::FFFF:203.0.113.7', '4', '203.0.113', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '6', '2001:db8:1:2', '2001:db8:1:2:3:4:5:6'],
    ['2001:0DB8:0001:0002:0003:0004:0005:0006', '6', '2001:db8:1:2', '2001:db8:1:2:3:4:5:6'],
    ['2001:db8::1', '6', '2001:db8:0:0', '2001:db8:0:0:0:0:0:1'],
    ['2001:db8:1:2:3:4:5::', '6', '2001:db8:1:2', '2001:db8:1:2:3:4:5:0'],
    ['::1', '6', '0:0:0:0', '0:0:0:0:0:0:0:1'],
    ['::', '6', '0:0:0:0', '0:0:0:0:0:0:0:0'],
    ['fe80::1%eth0', '6', 'fe80:0:0:0', 'fe80:0:0:0:0:0:0:1'],
    ['[2001:db8::1]:443', '6', '2001:db8:0:0', '2001:db8:0:0:0:0:0:1'],
    ['[2001:db8::1]', '6', '2001:db8:0:0', '2001:db8:0:0:0:0:0:1'],
  ])('%s: IPv%s, %s', (ip, kind, network, address) => {
    expect(placeOf(ip)).toEqual({ kind, network, address })
  })

  it.each([
    '',
    'unknown',
    '256.0.0.1',
    '1.2.3',
    '1.2.3.4.5',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '1:2:3:4:5:6:7::8',
    '12345::',
    'g::1',
    ':::',
    'unix:/run/app.sock',
    '203.0.113.7, 10.0.0.1',
  ])('%j is none', (ip) => {
    expect(placeOf(ip)).toBeNull()
  })

  it('is the same however it is written', () => {
    const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(groups, fc.boolean(), (numbers, upper) => {
        const long = numbers.map((group) => group.toString(16).padStart(4, '0')).join(':')
        const short = numbers.map((group) => group.toString(16)).join(':')
        expect(placeOf(upper ? long.toUpperCase() : long)).toEqual(placeOf(short))
      }),
    )
  })

  it('of any text throws nothing and takes no time', () => {
    fc.assert(fc.property(fc.string(), (text) => void placeOf(text)))
    expect(placeOf(':'.repeat(1_000_000))).toBeNull()
    expect(placeOf('1:'.repeat(500_000))).toBeNull()
    expect(placeOf(`${'['.repeat(500_000)}${']'.repeat(500_000)}`)).toBeNull()
  })
})
