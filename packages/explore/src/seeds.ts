import type { Seed } from './core.ts'
import { type Action, type Beginning, type Mishap, type Plan, type Scenario, START, times } from './scenario.ts'

/** A fault, the scenario that shows it, and the rule that it breaks. */
export interface Seeded {
  readonly seed: Seed
  readonly scenario: Scenario
  readonly rule: string
}

const client = (...actions: Action[]): Plan[] => actions.map((action) => ({ action, jar: 'client' }))

const scenario = (
  from: Beginning,
  requests: readonly Plan[],
  mishap: Mishap | null = null,
  tick: number | null = null,
): Scenario => ({ from, requests, mishap, tick })

const withThief = (...honest: Action[]): Plan[] => [...client(...honest), { action: 'read', jar: 'thief' }]

/** Mistakes that a session library can make, each of them in the real code. */
export const seeded: readonly Seeded[] = [
  {
    seed: {
      name: 'takes a conflict for success',
      changes: [
        { file: 'manager/swap.ts', find: '} else if (answer.ok) {', replace: '} else if (answer.ok !== undefined) {' },
      ],
    },
    scenario: scenario('signed-in', client('update', 'update')),
    rule: 'lost-update',
  },
  {
    seed: {
      name: 'repeats a write whose acknowledgement was lost',
      changes: [
        {
          file: 'manager/swap.ts',
          find: 'tried.find(({ wrote }) => bears(current, [wrote.revision]))',
          replace: 'tried.find(() => false)',
        },
      ],
    },
    scenario: scenario('signed-in', client('update'), 'lost'),
    rule: 'applied-twice',
  },
  {
    seed: {
      name: 'judges the token at commit time',
      changes: [
        {
          file: 'manager/commit.ts',
          find: 'const verdict = rejudge(current, accepted, engine.policy, now)',
          replace:
            "const verdict = rejudge(current, accepted, engine.policy, now) ?? ((visit.token?.generation ?? 0) < current.generation ? 'superseded' : null)",
        },
      ],
    },
    scenario: scenario('rotation-due', client('update', 'update')),
    rule: 'refused-at-commit',
  },
  {
    seed: {
      name: 'counts the overlap from the rotation, not from its confirmation',
      changes: [{ file: 'kernel/rotate.ts', find: 'confirmedAt: null,', replace: 'confirmedAt: record.lastSeenAt,' }],
    },
    scenario: scenario('rotation-lost', client('read'), null, START + times.overlap),
    rule: 'honest-reuse',
  },
  {
    seed: {
      name: 'gives every older token the overlap',
      changes: [{ file: 'kernel/present.ts', find: 'if (p === g - 1) {', replace: 'if (p < g) {' }],
    },
    scenario: scenario('two-behind', withThief('read')),
    rule: 'theft-accepted',
  },
  {
    seed: {
      name: 'takes <= for < where the overlap ends',
      changes: [
        {
          file: 'kernel/present.ts',
          find: 'arrivedAt < confirmedAt + policy.overlapMs',
          replace: 'arrivedAt <= confirmedAt + policy.overlapMs',
        },
      ],
    },
    scenario: scenario('overlap', withThief('read'), null, START + times.overlap),
    rule: 'theft-accepted',
  },
  {
    seed: {
      name: 'refuses the old token while the answer with the new one is on its way',
      changes: [
        { file: 'kernel/present.ts', find: "return rotation === 'soft' ? 'T2' : 'T3'", replace: "return 'T3'" },
      ],
    },
    scenario: scenario('rotation-lost', client('read')),
    rule: 'locked-out',
  },
  {
    seed: {
      name: 'clears the cookie when the session is unknown',
      changes: [
        {
          file: 'manager/visit.ts',
          find: "if (effects.some((effect) => effect.type === 'send-token')) this.sendToken(arrivedAt)",
          replace: "if (loaded.tokens.length > 0 && loaded.record === null) this.effect = { type: 'clear' }",
        },
      ],
    },
    scenario: scenario('unknown', client('read')),
    rule: 'cleared',
  },
  {
    seed: {
      name: 'lets a stand-in start a session',
      changes: [
        {
          file: 'manager/intents.ts',
          find: "if (refused !== null && intent === null && (end === null || refused === 'replaced')) {",
          replace: 'if (refused === undefined) {',
        },
      ],
    },
    scenario: scenario('signed-in', client('sign-in', 'write')),
    rule: 'stand-in-cookie',
  },
  {
    seed: {
      name: 'signs in without carrying again what changed meanwhile',
      changes: [
        {
          file: 'manager/sign-in.ts',
          find: "newData(takeOver, now) === carried ? endedBy(visit.engine, now, 'replaced') : null",
          replace: "carried.length >= 0 ? endedBy(visit.engine, now, 'replaced') : null",
        },
      ],
    },
    scenario: scenario('anonymous', client('sign-in', 'update')),
    rule: 'lost-update',
  },
  {
    seed: {
      name: 'leaves the old session alive at sign-in',
      changes: [
        {
          file: 'manager/sign-in.ts',
          find: 'takeOver === null ? record : await endOld(takeOver, record, budget)',
          replace: 'takeOver === null || budget !== null ? record : await endOld(takeOver, record, budget)',
        },
      ],
    },
    scenario: scenario('signed-in', client('sign-in')),
    rule: 'old-session-lives',
  },
  {
    seed: {
      name: 'extends the absolute deadline by rotating',
      changes: [
        {
          file: 'kernel/rotate.ts',
          find: 'generation: record.generation + 1,',
          replace: 'generation: record.generation + 1, absoluteAt: record.absoluteAt + 1,',
        },
      ],
    },
    scenario: scenario('rotation-due', client('read')),
    rule: 'deadline-moved',
  },
  {
    seed: {
      name: 'gives up a sign-out when another request writes meanwhile',
      changes: [
        {
          file: 'manager/end.ts',
          find: 'build: (now) => endedBy(engine, now, reason),',
          replace: 'build: (now) => (now.revision === record.revision ? endedBy(engine, now, reason) : null),',
        },
      ],
    },
    scenario: scenario('signed-in', client('sign-out', 'update')),
    rule: 'sign-out-not-done',
  },
  {
    seed: {
      name: 'rotates softly when privileges change',
      changes: [
        { file: 'kernel/reauthenticate.ts', find: "...rotate(record, 'hard'),", replace: "...rotate(record, 'soft')," },
      ],
    },
    scenario: scenario('signed-in', client('reauthenticate', 'read'), 'response-lost'),
    rule: 'old-token-accepted',
  },
  {
    seed: {
      name: 'forgets that the session ended',
      changes: [
        {
          file: 'kernel/rejudge.ts',
          find: "if (current.state === 'ended') return 'ended'",
          replace: "if (current.state === 'ended') return null",
        },
      ],
    },
    scenario: scenario('signed-in', client('sign-out', 'update')),
    rule: 'tombstone-written',
  },
  {
    seed: {
      name: 'stores a session for every visitor',
      changes: [
        {
          file: 'manager/commit.ts',
          find: 'return hidden ? (work ?? Promise.resolve())',
          replace:
            'work ??= visit.record === null ? withBudget(4000, (budget) => begin({ visit, changes, draft: visit.draft, intents: visit.pending }, budget)) : undefined\n  return hidden ? (work ?? Promise.resolve())',
        },
      ],
    },
    scenario: scenario('visitor', client('read')),
    rule: 'empty-record',
  },
]

/** A manager whose behaviour hangs on something that the explorer does not decide: what it has done once says nothing. */
export const unsteady: Omit<Seeded, 'rule'> = {
  seed: {
    name: 'draws by itself',
    changes: [
      {
        file: 'kernel/rotate.ts',
        find: 'generation: record.generation + 1,',
        replace: 'generation: record.generation + Math.ceil(Math.random() * 1e6),',
      },
    ],
  },
  scenario: scenario('rotation-due', client('read')),
}
