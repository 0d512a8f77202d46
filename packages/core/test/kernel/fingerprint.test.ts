import { assess, drift, type FingerprintPolicy, fingerprintLevels, type Policy, present } from '@sess/core/kernel'
import { describe, expect, it } from 'vitest'
import { anonymous, authenticated, NOW, policy } from './samples.ts'

const { observe, standard, strict } = fingerprintLevels
const judging = (fingerprint: FingerprintPolicy | null, ipBinding: Policy['ipBinding'] = 'off') => ({
  fingerprint,
  ipBinding,
})
const firefox = { browser: 'firefox', version: 127, os: 'linux', language: 'de', places: ['4.home', 'country.de'] }

describe('assess', () => {
  it.each([
    ['nothing', {}, 0, []],
    ['a newer version', { version: 140 }, 0, []],
    ['one version back', { version: 126 }, 0, []],
    ['two versions back', { version: 125 }, 20, ['version']],
    ['the browser', { browser: 'chrome', version: 1 }, 60, ['browser']],
    ['the system', { os: 'windows' }, 60, ['os']],
    ['the mode', { os: 'android' }, 5, ['mode']],
    ['browser and what could be a mode', { browser: 'chrome', os: 'android' }, 120, ['browser', 'os']],
    ['hints that contradict', { contradiction: true as const }, 40, ['contradiction']],
    ['the language', { language: 'en' }, 5, ['language']],
    ['the network', { places: ['4.cafe', 'country.de'] }, 5, ['network']],
    ['the country, and the network with it', { places: ['4.cafe', 'country.br'] }, 25, ['country']],
    ['the same, listed the other way round', { places: ['country.br', '4.cafe'] }, 25, ['country']],
    ['a kind of place that was not known', { places: ['6.home', 'asn.1'] }, 0, []],
  ])('weighs what differs: %s', (_, change, score, reasons) => {
    const found = assess(firefox, { ...firefox, ...change }, judging(standard))
    expect(found).toMatchObject({ score, reasons })
  })

  it('compares a User-Agent of no known family as a whole, and own signals by their weight', () => {
    const marked = judging({ ...standard, marks: { ja4: 60, silent: 0 } })
    const found = assess(
      { marks: { agent: 'a', ja4: 'a', silent: 'a' } },
      { marks: { agent: 'b', ja4: 'b', silent: 'b' } },
      marked,
    )
    expect(found).toMatchObject({ score: 70, reasons: ['agent', 'ja4'], band: 'lock' })
  })

  it('takes absence on either side as neutral', () => {
    const empty = { score: 0, reasons: [], band: 'ok', enforced: false }
    expect(assess(null, firefox, judging(strict))).toEqual(empty)
    expect(assess(firefox, null, judging(strict))).toEqual(empty)
    expect(assess({}, { ...firefox, marks: { ja4: 'a' } }, judging({ ...strict, marks: { ja4: 90 } }))).toEqual(empty)
    expect(assess(firefox, {}, judging(strict))).toEqual(empty)
  })

  it('leaves out signals without weight', () => {
    const weights = { ...standard.weights, browser: 0, country: 0 }
    const found = assess(
      firefox,
      { ...firefox, browser: 'chrome', places: ['country.br'] },
      judging({ ...standard, weights }),
    )
    expect(found).toEqual({ score: 0, reasons: [], band: 'ok', enforced: false })
  })

  it('has four bands, each from its threshold on', () => {
    const score = (weight: number, change: Partial<FingerprintPolicy> = {}) => {
      const weights = { ...strict.weights, browser: weight }
      return assess(firefox, { ...firefox, browser: 'chrome', places: [] }, judging({ ...strict, weights, ...change }))
        .band
    }
    expect([19, 20, 39, 40, 124, 125].map((weight) => score(weight))).toEqual([
      'ok',
      'observe',
      'observe',
      'lock',
      'lock',
      'end',
    ])
    expect(score(1000, { endAt: null })).toBe('lock')
    expect(score(1000, { endAt: null, lockAt: null })).toBe('observe')
    expect(score(1000, { lockAt: null })).toBe('end')
  })

  it('spares a network that the session has been on, but no change of an own signal', () => {
    const elsewhere = { ...firefox, browser: 'chrome', places: ['4.cafe'] }
    const atHome = { ...elsewhere, places: ['4.home'] }
    expect(assess(firefox, elsewhere, judging(standard))).toMatchObject({ score: 65, band: 'lock' })
    expect(assess(firefox, atHome, judging(standard))).toMatchObject({ score: 60, band: 'observe' })
    expect(assess(firefox, atHome, judging(strict))).toMatchObject({ score: 60, band: 'lock' })
    expect(assess(firefox, { ...atHome, browser: 'firefox', language: 'en' }, judging(standard)).band).toBe('ok')
    const marked = { ...standard, marks: { ja4: 5 } }
    const known = { ...firefox, marks: { ja4: 'a' } }
    expect(assess(known, { ...atHome, marks: { ja4: 'b' } }, judging(marked))).toMatchObject({ band: 'lock' })
    expect(assess(firefox, { ...elsewhere, places: ['country.de'] }, judging(standard)).band).toBe('lock')
  })

  it('says under observe what standard would do', () => {
    const changed = { ...firefox, browser: 'chrome', places: ['4.cafe'] }
    expect(assess(firefox, changed, judging(observe))).toEqual({
      ...assess(firefox, changed, judging(standard)),
      enforced: false,
    })
  })
})

describe('an IP binding', () => {
  const bound = { places: ['4.home', 'asn.1'], address: 'a' }

  it.each([
    ['prefix', { places: ['4.home'], address: 'b' }, 'ok'],
    ['prefix', { places: ['4.cafe'] }, 'lock'],
    ['prefix', { places: ['6.home'] }, 'lock'],
    ['prefix', { places: ['asn.2'] }, 'ok'],
    ['prefix', {}, 'ok'],
    ['exact', { places: ['4.home'], address: 'b' }, 'lock'],
    ['exact', { places: ['4.cafe'], address: 'a' }, 'ok'],
    ['exact', {}, 'ok'],
    ['off', { places: ['4.cafe'], address: 'b' }, 'ok'],
  ] as const)('%s: %j is %s', (binding, seen, band) => {
    expect(assess(bound, seen, judging(null, binding))).toMatchObject({ band, enforced: band === 'lock' })
    expect(assess({ places: ['country.de'] }, seen, judging(null, binding)).band).toBe('ok')
    expect(assess({}, seen, judging(null, binding)).band).toBe('ok')
  })

  it('holds whatever the fingerprint is set to', () => {
    const seen = { places: ['4.cafe'] }
    expect(assess(bound, seen, judging(null, 'prefix'))).toEqual({
      score: 0,
      reasons: ['address'],
      band: 'lock',
      enforced: true,
    })
    expect(assess(bound, seen, judging(observe, 'prefix'))).toEqual({
      score: 5,
      reasons: ['network', 'address'],
      band: 'lock',
      enforced: true,
    })
    expect(
      assess({ ...bound, ...firefox }, { ...seen, browser: 'chrome', os: 'windows' }, judging(strict, 'prefix')),
    ).toEqual({
      score: 125,
      reasons: ['browser', 'os', 'network', 'address'],
      band: 'end',
      enforced: true,
    })
    const wouldEnd = { ...strict, reportOnly: true }
    expect(
      assess({ ...bound, ...firefox }, { ...seen, browser: 'chrome', os: 'windows' }, judging(wouldEnd, 'prefix')),
    ).toMatchObject({
      band: 'lock',
      enforced: true,
    })
  })
})

describe('drift', () => {
  const off = { ipBinding: 'off' } as const

  it('takes in a higher version of the same browser', () => {
    expect(drift(firefox, { ...firefox, version: 128 }, off)).toEqual({ ...firefox, version: 128 })
    expect(drift(firefox, { ...firefox, version: 126 }, off)).toBe(firefox)
    expect(drift(firefox, { ...firefox, browser: 'chrome', version: 200 }, off)).toBe(firefox)
    expect(drift({}, {}, off)).toEqual({})
  })

  it('never takes in browser, system, language or own signals', () => {
    const other = {
      browser: 'chrome',
      os: 'windows',
      language: 'en',
      contradiction: true as const,
      marks: { ja4: 'b' },
    }
    expect(drift(firefox, { ...firefox, ...other }, off)).toBe(firefox)
  })

  it('remembers the last four places of each kind', () => {
    let baseline = drift(firefox, { places: ['4.a', 'country.at'] }, off)
    expect(baseline.places).toEqual(['4.home', 'country.de', '4.a', 'country.at'])
    for (const place of ['4.b', '4.c', '4.d', '6.a']) baseline = drift(baseline, { places: [place] }, off)
    expect(baseline.places).toEqual(['country.de', '4.a', 'country.at', '4.b', '4.c', '4.d', '6.a'])
    expect(drift(baseline, { places: ['4.c'] }, off)).toBe(baseline)
    expect(drift({}, { places: ['4.a'] }, off)).toEqual({ places: ['4.a'] })
  })

  it('moves no place of a bound session', () => {
    expect(drift(firefox, { places: ['4.a'] }, { ipBinding: 'prefix' })).toBe(firefox)
    expect(drift(firefox, { ...firefox, version: 128 }, { ipBinding: 'exact' })).toEqual({ ...firefox, version: 128 })
  })
})

describe('a presented token of a changed client', () => {
  const fingerprint = { browser: 'chrome', os: 'linux' }
  const event = { arrivedAt: NOW, generation: 0, fingerprint }
  const under = (level: FingerprintPolicy | null, record = authenticated()) =>
    present(record, event, { ...policy, fingerprint: level }, NOW)

  it('off: is not looked at', () => {
    expect(under(null)).toMatchObject({ verdict: 'accepted', fingerprint: { band: 'ok' }, confirm: false })
  })

  it('observe: is told', () => {
    const found = { reasons: ['browser'], band: 'lock', enforced: false }
    expect(under(observe)).toMatchObject({ verdict: 'accepted', fingerprint: found, locked: false, confirm: false })
  })

  it('lock: locks a signed-in session, and leaves a locked one locked', () => {
    const locked = { verdict: 'accepted', locked: true, fingerprint: { enforced: true }, record: { state: 'locked' } }
    expect(under(standard)).toMatchObject({ ...locked, confirm: true })
    expect(under(standard, authenticated({ state: 'locked' }))).toMatchObject({ ...locked, confirm: false })
  })

  it('lock: leaves a visitor alone', () => {
    const accepted = {
      verdict: 'accepted',
      locked: false,
      confirm: false,
      fingerprint: { band: 'lock', enforced: false },
    }
    expect(under(standard, anonymous())).toMatchObject(accepted)
  })

  it('end: ends the session, and says why', () => {
    const ends = { ...strict, endAt: 60 }
    const found = { score: 60, reasons: ['browser'], band: 'end', enforced: true }
    const ended = { verdict: 'ended', reason: 'fingerprint', record: { state: 'ended' }, fingerprint: found }
    expect(under(ends)).toMatchObject(ended)
    expect(under(ends, anonymous())).toMatchObject(ended)
    expect(under({ ...ends, reportOnly: true })).toMatchObject({
      verdict: 'accepted',
      fingerprint: { band: 'end', enforced: false },
    })
  })

  it('is not looked at when the token is refused', () => {
    const record = authenticated({ generation: 1, rotation: 'hard', confirmedAt: null })
    expect(under(strict, record)).toEqual({ verdict: 'superseded' })
  })

  it.each([null, observe, standard, strict])('an unknown one changes nothing', (level) => {
    const unknown = present(authenticated(), { arrivedAt: NOW, generation: 0 }, { ...policy, fingerprint: level }, NOW)
    expect(unknown).toMatchObject({ verdict: 'accepted', locked: false, fingerprint: { band: 'ok' } })
  })
})
