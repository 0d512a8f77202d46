import fc from 'fast-check'
import { decodeBase64url } from '../../core/src/crypto/base64url.ts'
import { Keyring } from '../../core/src/crypto/keyring.ts'
import { mintToken, readToken } from '../../core/src/crypto/token.ts'
import { joinFragments, splitFragments } from '../../core/src/data/document.ts'
import { placeOf } from '../../core/src/http/address.ts'
import { scanCookies } from '../../core/src/http/cookie.ts'
import { deviceName } from '../../core/src/http/device-name-library.ts'
import { reducePortrait } from '../../core/src/http/user-agent.ts'
import { corpus, pieces } from './corpus.ts'
import { check, near, type Target, target } from './target.ts'

const KEY = 'kQ3vJ0m2Zr8bT5xY1nW7cP4hL6sD9fGaEuRiOtVpXyM'
const NAME = '__Host-Http-sid'
const keyring = new Keyring(() => [decodeBase64url(KEY) as Uint8Array], 'token')
const text = (kind: keyof typeof corpus): fc.Arbitrary<string> => near(corpus[kind], pieces[kind])
const filled = (piece: string, length: number): string => piece.repeat(Math.ceil(length / piece.length))

/** What the scanner is to find, the slow way: the header is taken apart into pairs. */
function pairsOf(header: string): string[] {
  const pairs = header.split(';').map((pair) => pair.replace(/^[ \t]+/, ''))
  const ours = pairs.filter((pair) => pair.startsWith(`${NAME}=`))
  return ours.map((pair) => pair.slice(NAME.length + 1).trim()).slice(0, 3)
}

/** Everything that parses a text, each against what it promises. */
export const texts: readonly Target[] = [
  target({
    name: 'Cookie header',
    share: 300_000,
    inputs: text('cookie'),
    run: (header) => {
      const found = scanCookies(header, NAME)
      check(JSON.stringify(found) === JSON.stringify(pairsOf(header)), 'the scan finds what a parser finds')
    },
    repeated: filled,
  }),
  target({
    name: 'token',
    share: 200_000,
    inputs: text('token'),
    run: (given) => {
      const token = readToken(given, keyring)
      const genuine = token !== null && mintToken(token.sid, token.generation, keyring) === given
      check(token === null || genuine, 'a token that is accepted is one that would be minted, to the letter')
    },
    repeated: filled,
  }),
  target({
    name: 'address',
    share: 150_000,
    inputs: text('address'),
    run: (ip) => {
      const place = placeOf(ip)
      if (place === null) return
      check(place.address.startsWith(place.network), 'the network is the beginning of the address')
      check(/^[0-9a-f.:]+$/.test(place.address), 'an address is spelt in one way')
      check(placeOf(place.address)?.address === place.address, 'the spelling is final')
    },
    repeated: filled,
  }),
  target({
    name: 'User-Agent and client hints',
    share: 100_000,
    inputs: fc.tuple(text('userAgent'), text('userAgent'), text('userAgent')),
    run: ([userAgent, brands, languages]) => {
      const portrait = { userAgent, brands, platform: brands, mobile: '?1', languages }
      const { browser, version, os, language } = reducePortrait(portrait)
      check(version === undefined || version >= 0, 'a version is a number')
      check(language === undefined || /^[a-z]{2,8}$/.test(language), 'a language is a short word')
      const words = `${browser ?? ''} ${os ?? ''}`
      check(/^[a-z]* [a-z]*$/.test(words), 'browser and system are words of ours')
    },
  }),
  target({
    name: 'name of a device',
    share: 20_000,
    inputs: text('userAgent'),
    run: (userAgent) => {
      if (userAgent === '') return // not asked for
      const name = deviceName(userAgent.slice(0, 512))
      check(name === null || name.length < 60, 'a name is one of the library')
    },
  }),
  target({
    name: 'data taken apart',
    share: 150_000,
    inputs: text('json'),
    run: (given) => {
      const whole = parse(given)
      if (whole === null || JSON.stringify(whole) !== given) return
      const again = joinFragments(splitFragments(given))
      check(given === '{}' ? again === '' : again === given, 'what was taken apart is put together again')
    },
    repeated: filled,
  }),
]

function parse(given: string): object | null {
  try {
    const value: unknown = JSON.parse(given)
    return typeof value === 'object' && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}
