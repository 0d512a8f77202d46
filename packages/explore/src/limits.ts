import { type Scenario, START, times } from './scenario.ts'

/** What the documentation declares as a limit, and the smallest scenario that meets it. */
export interface Limit {
  readonly rule: string
  readonly scenario: Scenario
}

/** Each is expected, and nothing else may be broken in its scenario. */
export const limits: readonly Limit[] = [
  {
    rule: 'limit: lost or late answer of a hard rotation',
    scenario: {
      from: 'signed-in',
      requests: [{ action: 'reauthenticate', jar: 'client' }],
      mishap: 'response-lost',
      tick: null,
    },
  },
  {
    rule: 'limit: answer of a sign-in lost',
    scenario: {
      from: 'signed-in',
      requests: [{ action: 'sign-in', jar: 'client' }],
      mishap: 'response-lost',
      tick: null,
    },
  },
  {
    rule: 'limit: overtaken by an older answer',
    scenario: {
      from: 'rotation-due',
      requests: [
        { action: 'read', jar: 'client' },
        { action: 'sign-in', jar: 'client' },
      ],
      mishap: null,
      tick: null,
    },
  },
  {
    rule: 'limit: parallel sign-ins leave orphans',
    scenario: {
      from: 'visitor',
      requests: [
        { action: 'sign-in', jar: 'client' },
        { action: 'sign-in', jar: 'client' },
      ],
      mishap: null,
      tick: null,
    },
  },
  {
    rule: 'limit: the old session ends while a sign-in carries',
    scenario: {
      from: 'signed-in',
      requests: [
        { action: 'update', jar: 'client' },
        { action: 'sign-in', jar: 'client' },
        { action: 'sign-out', jar: 'thief' },
      ],
      mishap: null,
      tick: null,
    },
  },
  {
    rule: 'limit: a failover loses what was acknowledged',
    scenario: {
      from: 'signed-in',
      requests: [
        { action: 'sign-out', jar: 'client' },
        { action: 'read', jar: 'client' },
      ],
      mishap: 'failover',
      tick: null,
    },
  },
  {
    rule: 'limit: slower than overlap',
    scenario: {
      from: 'rotation-due',
      requests: [
        { action: 'read', jar: 'client' },
        { action: 'read', jar: 'client' },
        { action: 'read', jar: 'client' },
      ],
      mishap: null,
      tick: START + times.overlap,
    },
  },
  {
    rule: 'limit: a stale read',
    scenario: {
      from: 'signed-in',
      requests: [
        { action: 'sign-out', jar: 'client' },
        { action: 'read', jar: 'thief' },
      ],
      mishap: 'stale',
      tick: null,
    },
  },
]
