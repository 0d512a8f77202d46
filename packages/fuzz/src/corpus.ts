import address from '../corpus/address.json' with { type: 'json' }
import cookie from '../corpus/cookie.json' with { type: 'json' }
import host from '../corpus/host.json' with { type: 'json' }
import json from '../corpus/json.json' with { type: 'json' }
import origin from '../corpus/origin.json' with { type: 'json' }
import token from '../corpus/token.json' with { type: 'json' }
import userAgent from '../corpus/user-agent.json' with { type: 'json' }

/** Texts to start from, by what they are: the ordinary ones, and those that once broke something. */
export const corpus = { address, cookie, host, json, origin, token, userAgent }

/** Pieces that mean something to somebody who reads such a text. */
export const pieces = {
  address: [':', '::', '.', '%', '[', ']', '0', '255', '256', 'ffff', '::ffff:', '/', ' ', '1.2.3.4', '%25eth0', 'g'],
  cookie: [';', '; ', '=', '"', '\t', ' ', ',', 'sid=', 'sid', '__Host-Http-sid=', '\0', '\r\n', '%', 'ü', '\ud800'],
  host: ['localhost', '127.0.0.1', '[::1]', ':', ':80', '.', 'for=', 'proto=https', ';', ',', '@', ' ', '\n'],
  json: [
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '\\',
    '\\u',
    '\\x',
    'null',
    '1e999',
    '-0',
    '__proto__',
    '""',
    ' ',
    '\ud800',
  ],
  origin: [
    'https://',
    'http://',
    'shop.example',
    'evil.example',
    ':443',
    ':',
    '/',
    '@',
    '.',
    '?',
    '#',
    ' ',
    ',',
    '\0',
    'null',
  ],
  token: ['.', 'A', '-', '_', '0', '1', '999999999', '9999999999', '=', '+', '/', ' ', '\n', 'é'],
  userAgent: [
    'Version/',
    'Safari/',
    'Chrome/',
    'Firefox/',
    'Mobile',
    '1'.repeat(40),
    '(',
    ')',
    ';',
    '/',
    ' ',
    '.',
    'Android',
  ],
} as const
