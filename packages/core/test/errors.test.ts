import {
  ConfigError,
  CookieTooLargeError,
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
