import {
  createSessions,
  type Description,
  type Deviation,
  type FingerprintOptions,
  memoryStore,
  type NetworkInfo,
  type Preset,
  type RequestFacts,
  type SessEvent,
  type SessionsOptions,
  type Shortfall,
} from '@sess/core'
import { type Assessment, assess, type Band, drift, type Fingerprint, type FingerprintPolicy } from '@sess/core/kernel'
import { describe, expectTypeOf, it } from 'vitest'

const store = memoryStore()

describe('defences', () => {
  it('are options with names and numbers', () => {
    createSessions({
      store,
      preset: 'highValue',
      fingerprint: {
        level: 'strict',
        weights: { os: 10 },
        endAt: false,
        locate: async (ip) => (ip === '::1' ? null : { asn: 64500, country: 'DE' }),
        signals: { ja4: { header: 'x-ja4', weight: 60 } },
      },
      ipBinding: 'prefix',
      guessing: { limit: 5, window: '1m', clientKey: ({ ip }) => ip },
    })
    expectTypeOf<SessionsOptions['preset']>().toEqualTypeOf<Preset | undefined>()
    expectTypeOf<FingerprintOptions['level']>().toEqualTypeOf<'observe' | 'standard' | 'strict' | undefined>()
    expectTypeOf<NonNullable<SessionsOptions['guessing']>['clientKey']>().toEqualTypeOf<
      ((facts: RequestFacts) => string | undefined) | undefined
    >()
    expectTypeOf<ReturnType<NonNullable<FingerprintOptions['locate']>>>().toExtend<
      NetworkInfo | null | undefined | Promise<NetworkInfo | null | undefined>
    >()
  })

  it('refuse what cannot work', () => {
    // @ts-expect-error one of off, observe, standard, strict
    createSessions({ store, fingerprint: 'lock' })
    // @ts-expect-error no such signal
    createSessions({ store, fingerprint: { weights: { ip: 5 } } })
    // @ts-expect-error a signal of one’s own needs a weight
    createSessions({ store, fingerprint: { signals: { ja4: { header: 'x-ja4' } } } })
    // @ts-expect-error one of off, prefix, exact
    createSessions({ store, ipBinding: true })
    // @ts-expect-error there are three
    createSessions({ store, preset: 'aal4' })
    // @ts-expect-error a number
    createSessions({ store, guessing: { limit: '20' } })
  })

  it('are told in events', () => {
    const sessions = createSessions({ store })
    sessions.on('fingerprint-changed', (event) => {
      expectTypeOf(event.verdict).toEqualTypeOf<'observe' | 'lock' | 'end'>()
      expectTypeOf(event.reasons).toEqualTypeOf<readonly string[]>()
      expectTypeOf(event.enforced).toEqualTypeOf<boolean>()
      // @ts-expect-error events are read-only
      event.score = 0
    })
    expectTypeOf<SessEvent<'guessing'>['client']>().toEqualTypeOf<string>()
    expectTypeOf<SessEvent<'guessing'>['tokens']>().toEqualTypeOf<number>()
  })

  it('are explained', () => {
    const description = createSessions({ store }).describe()
    expectTypeOf(description).toEqualTypeOf<Description>()
    expectTypeOf(description.shortOf.aal2).toEqualTypeOf<readonly Shortfall[]>()
    expectTypeOf(description.deviations).toEqualTypeOf<readonly Deviation[]>()
    expectTypeOf(description.times.idle.ms).toEqualTypeOf<number | null>()
  })

  it('judge by pure functions', () => {
    expectTypeOf(assess).parameter(0).toEqualTypeOf<Fingerprint | null>()
    expectTypeOf(assess).returns.toEqualTypeOf<Assessment>()
    expectTypeOf(drift).returns.toEqualTypeOf<Fingerprint>()
    expectTypeOf<Assessment['band']>().toEqualTypeOf<Band>()
    // @ts-expect-error all weights are needed
    const policy: FingerprintPolicy = { weights: {}, marks: {}, observeAt: 1, lockAt: null, endAt: null }
    expectTypeOf(policy.reportOnly).toEqualTypeOf<boolean>()
  })
})
