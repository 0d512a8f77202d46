import {
  ConfigError,
  CookieTooLargeError,
  FreshnessError,
  HeadersSentError,
  InsecureError,
  LimitError,
  NotMountedError,
  SessError,
  SessionInterruptedError,
  StoreAmbiguousError,
  StoreUnavailableError,
  UseDataError,
  ValueError,
} from '@sess/core'
import { describe, expect, it } from 'vitest'

const ERRORS: readonly [SessError, string, number][] = [
  [new ConfigError('x'), 'ERR_SESS_CONFIG', 500],
  [new NotMountedError(), 'ERR_SESS_NOT_MOUNTED', 500],
  [new UseDataError('x'), 'ERR_SESS_USE_DATA', 500],
  [new ValueError('cart', 'x'), 'ERR_SESS_VALUE', 500],
  [new CookieTooLargeError('x'), 'ERR_SESS_COOKIE_TOO_LARGE', 500],
  [new HeadersSentError('x'), 'ERR_SESS_HEADERS_SENT', 500],
  [new InsecureError('x'), 'ERR_SESS_INSECURE', 400],
  [new FreshnessError('age', { maxAgeMs: 1, methods: [], level: null }), 'ERR_SESS_FRESHNESS', 401],
  [new SessionInterruptedError('ended', 'x'), 'ERR_SESS_INTERRUPTED', 409],
  [new LimitError(3), 'ERR_SESS_LIMIT', 409],
  [new StoreUnavailableError('get'), 'ERR_SESS_STORE_UNAVAILABLE', 503],
  [new StoreAmbiguousError(), 'ERR_SESS_STORE_AMBIGUOUS', 503],
]

describe('errors', () => {
  it.each(ERRORS)('%s', (error, code, status) => {
    expect(error).toBeInstanceOf(SessError)
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe(error.constructor.name)
    expect(error).toMatchObject({ code, status })
    expect(error.statusCode).toBe(status)
    expect(error.expose).toBe(status < 500)
    expect(error.message).not.toBe('')
  })

  it('answer by themselves on web standards, telling only what may be told', async () => {
    const shown = new SessionInterruptedError('ended', 'load again').getResponse()
    expect([shown.status, await shown.text()]).toEqual([409, 'load again'])
    const hidden = new StoreUnavailableError('get').getResponse()
    expect([hidden.status, await hidden.text()]).toEqual([503, ''])
  })
})

describe('a proof that is too old', () => {
  const demand = { maxAgeMs: 90_500, methods: ['pwd', 'otp'], level: 2 }

  it('is answered with a challenge and a problem', async () => {
    const response = new FreshnessError('level', demand).getResponse()
    expect(response.status).toBe(401)
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-type': 'application/problem+json',
      'www-authenticate': 'Session error="insufficient_user_authentication", max_age="90", acr_values="2"',
    })
    expect(await response.json()).toEqual({
      type: 'https://github.com/sess-js/sess/blob/main/docs/step-up.md',
      title: 'A fresh proof of identity is needed',
      status: 401,
      detail: 'A proof of identity of level 2 is needed.',
      code: 'ERR_SESS_FRESHNESS',
      reason: 'level',
      max_age: 90,
      methods: ['pwd', 'otp'],
      level: 2,
    })
  })

  it('names no level that nobody asked for, and nothing where nobody is signed in', () => {
    const without = { ...demand, level: null }
    const challenge = 'Session error="insufficient_user_authentication", max_age="90"'
    expect(new FreshnessError('locked', without).headers).toEqual({ 'WWW-Authenticate': challenge })
    expect(new FreshnessError('signed-out', demand).headers).toEqual({ 'WWW-Authenticate': 'Session' })
  })

  it.each([
    ['signed-out', 'Nobody is signed in.'],
    ['locked', 'The session is locked: prove who you are to open it.'],
    ['impersonated', 'Somebody else acts in this session, so its subject has proved nothing.'],
    ['methods', 'A proof of identity by other methods is needed: pwd and otp.'],
    ['age', 'A proof of identity of the last 90.5 s is needed.'],
  ] as const)('says what is missing: %s', (reason, message) => {
    expect(new FreshnessError(reason, demand).message).toBe(message)
  })
})
