import { assess, drift, type Fingerprint, type FingerprintPolicy, fingerprintLevels } from '@sess/core/kernel'
import { describe, expect, it } from 'vitest'
import { isModeOf } from '../../src/kernel/fingerprint.ts'

const { standard, strict } = fingerprintLevels
const BASE: Fingerprint = { browser: 'firefox', version: 140, os: 'linux', places: ['4.a', 'asn.b', 'country.c'] }

function reasons(observed: Fingerprint, policy: FingerprintPolicy = standard, baseline = BASE): readonly string[] {
  return assess(baseline, observed, { fingerprint: policy, ipBinding: 'off' }).reasons
}

describe('signals', () => {
  it('"desktop site" switches between two pairs of systems, and no others', () => {
    const systems = ['android', 'linux', 'ios', 'macos', 'windows', 'chromeos']
    const pairs = systems.flatMap((one) =>
      systems.filter((other) => isModeOf(one, other)).map((other) => `${one} ${other}`),
    )
    expect(pairs).toEqual(['android linux', 'linux android', 'ios macos', 'macos ios'])
  })

  it('a contradiction counts once: a session that began with one goes on with it', () => {
    expect(reasons({ contradiction: true })).toEqual(['contradiction'])
    expect(reasons({ contradiction: true }, standard, { ...BASE, contradiction: true })).toEqual([])
  })

  it('of moves that weigh the same the first is named', () => {
    const even = { ...standard, weights: { ...standard.weights, asn: 25 } }
    expect(reasons({ places: ['asn.x', 'country.x'] }, even)).toEqual(['asn'])
    expect(reasons({ places: ['country.x', 'asn.x'] }, even)).toEqual(['country'])
  })

  it('own signals that a client does not send are neutral', () => {
    const own = { ...standard, marks: { ja4: 60 } }
    expect(reasons({ browser: 'firefox' }, own, { ...BASE, marks: { ja4: 'x' } })).toEqual([])
  })
})

describe('a broken binding', () => {
  it('locks, and ends only what the signals would end by themselves', () => {
    const bound = (observed: Fingerprint) =>
      assess({ ...BASE, address: 'x' }, { ...observed, address: 'y' }, { fingerprint: strict, ipBinding: 'exact' })
    expect(bound({ browser: 'firefox' }).band).toBe('lock')
    expect(bound({ browser: 'edge', version: 1, os: 'windows', places: ['4.z'] }).band).toBe('end')
  })
})

describe('the baseline', () => {
  it('is the same object while nothing is new', () => {
    expect(drift(BASE, { browser: 'firefox', version: 140, places: ['4.a'] }, { ipBinding: 'off' })).toBe(BASE)
  })

  it('has each place once, the latest last', () => {
    const { places } = drift(BASE, { places: ['4.a', '6.d'] }, { ipBinding: 'off' })
    expect(places).toEqual(['asn.b', 'country.c', '4.a', '6.d'])
  })
})
