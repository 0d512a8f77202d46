import type { Engine } from '../manager/engine.ts'
import type { TokenTransport } from './carrier.ts'

/** Where this configuration does not do what a standard asks for. */
export interface Deviation {
  /** Row of docs/security/requirements.md. */
  readonly requirement: string
  readonly source: string
  /** What is different. */
  readonly what: string
  /** Why; where it is an option’s doing, its name. */
  readonly why: string
}

interface Rule extends Deviation {
  readonly applies: (engine: Engine, transport: TokenTransport) => boolean
}

const RULES: readonly Rule[] = [
  {
    requirement: 'R047',
    source: 'NIST SP 800-63B-4 §5.2',
    what: 'reauthenticate() moves the idle deadline and not the absolute one',
    why: 'by design: signing in again makes a new session with a new absolute deadline, and nothing else does',
    applies: () => true,
  },
  {
    requirement: 'R045',
    source: 'OWASP ASVS 5.0 7.3.1',
    what: 'there is no inactivity timeout',
    why: '`idle: false`; NIST SP 800-63B-4 §2.1.3 leaves it open at AAL1',
    applies: ({ policy }) => policy.idleMs === null,
  },
  {
    requirement: 'R102',
    source: 'OWASP ASVS 5.0 8.2.4',
    what: 'changes of the client in the middle of a session are not looked at',
    why: "`fingerprint: 'off'`",
    applies: ({ policy }) => policy.fingerprint === null && policy.ipBinding === 'off',
  },
  {
    requirement: 'R102',
    source: 'OWASP ASVS 5.0 8.2.4',
    what: 'changes of the client in the middle of a session are told and not acted upon',
    why: '`fingerprint`: the level only reports',
    applies: ({ policy }) => policy.fingerprint?.reportOnly === true && policy.ipBinding === 'off',
  },
  {
    requirement: 'R103',
    source: 'NIST SP 800-63B-4 §5.3',
    what: 'IP address and User-Agent of the sign-in are kept as they are',
    why: '`device: true`, for lists of sessions',
    applies: ({ device }) => device,
  },
  {
    requirement: 'R015',
    source: 'OWASP ASVS 5.0 3.3.3',
    what: 'the cookie has no __Host- prefix: other hosts, or only some paths, share it',
    why: '`cookie.domain`, `cookie.path` or `cookie.name`',
    applies: (_, { header, cookies }) => header === null && !cookies.secure.name.startsWith('__Host-'),
  },
  {
    requirement: 'R018',
    source: 'OWASP ASVS 5.0 3.3.2',
    what: 'the cookie goes along with requests from other sites',
    why: "`cookie.sameSite: 'none'`",
    applies: (_, { header, cookies }) => header === null && cookies.secure.attributes.includes('SameSite=None'),
  },
  {
    requirement: 'R017',
    source: 'OWASP ASVS 5.0 3.3.4',
    what: 'the token is in the hands of the client’s own code',
    why: '`transport`: a header, for clients that are no browsers',
    applies: (_, { header }) => header !== null,
  },
  {
    requirement: 'R073',
    source: 'OWASP ASVS 5.0 3.5.1',
    what: 'requests that other sites have a browser make are not refused',
    why: '`csrf: false`',
    applies: (_, { header, csrf }) => header === null && csrf === null,
  },
  {
    requirement: 'R073',
    source: 'OWASP ASVS 5.0 3.5.1',
    what: 'requests that other sites have a browser make are told and not refused',
    why: '`csrf.reportOnly`',
    applies: (_, { csrf }) => csrf?.reportOnly === true,
  },
  {
    requirement: 'R054',
    source: 'OWASP ASVS 5.0 7.4.2',
    what: 'the sessions of one subject cannot be found',
    why: '`store`: it has no index by subject',
    applies: ({ store }) => !('listBySubject' in store),
  },
]

/** What applies to this configuration, in the order of importance. */
export function deviationsOf(engine: Engine, transport: TokenTransport): Deviation[] {
  return RULES.filter(({ applies }) => applies(engine, transport)).map(({ applies: _, ...deviation }) => deviation)
}
