import { type Beginning, deadlines, instants, type Mishap, type Plan, type Scenario } from './scenario.ts'

/** A set of scenarios and what it stands for. */
export interface Family {
  readonly name: string
  /** About how many of them, evenly chosen, `--quick` goes through. */
  readonly quick: number
  readonly scenarios: readonly Scenario[]
}

const BEGINNINGS: readonly Beginning[] = [
  'visitor',
  'anonymous',
  'signed-in',
  'rotation-due',
  'rotation-lost',
  'rotation-fresh',
  'locked',
  'unknown',
]
const MISHAPS: readonly Mishap[] = ['rejected', 'lost', 'late', 'stale', 'response-lost', 'repeated', 'failover']

const client = (action: Plan['action'], slow = false): Plan => ({ action, jar: 'client', ...(slow ? { slow } : {}) })
const thief = (action: Plan['action']): Plan => ({ action, jar: 'thief' })

const PLANS: readonly Plan[] = [
  client('read'),
  client('write'),
  client('update'),
  client('update', true),
  client('sign-in'),
  client('sign-out'),
  client('reauthenticate'),
  client('lock'),
]
/** Those that race the most. */
const FEWER: readonly Plan[] = [
  client('read'),
  client('update'),
  client('sign-in'),
  client('sign-out'),
  client('reauthenticate'),
]

/** Two requests, and one thing that goes wrong. */
const pairs: Family = {
  name: '2 requests, every fault',
  quick: 120,
  scenarios: product(BEGINNINGS, choose(PLANS, 2), [null, ...MISHAPS], [null]),
}

/** Two requests whose commits queue in one process. */
const queued: Family = {
  name: '2 requests in one process, every fault',
  quick: 80,
  scenarios: pairs.scenarios.map((each) => ({ ...each, together: true })),
}

/** Two requests, and the clock at every deadline. */
const ticking: Family = {
  name: '2 requests, every deadline',
  quick: 120,
  scenarios: product(BEGINNINGS, choose(PLANS, 2), [null], instants),
}

/** Both at once. */
const both: Family = {
  name: '2 requests, every fault at every deadline',
  quick: 120,
  scenarios: product(BEGINNINGS, choose(PLANS, 2), MISHAPS, instants),
}

const STOLEN: readonly Beginning[] = ['overlap', 'two-behind', 'planted', 'signed-in', 'rotation-due']

/** Somebody else holds a copy of the token, or planted the one the client has. */
const thieves: Family = {
  name: 'a thief with a copied or planted token, every fault at every deadline',
  quick: 120,
  scenarios: [
    ...product(STOLEN, withThief(), [null], [null, ...instants]),
    ...product(STOLEN, withThief(), MISHAPS, [null, ...deadlines]),
  ],
}

/** Three requests, and one thing that goes wrong. */
const triples: Family = {
  name: '3 requests, every fault',
  quick: 60,
  scenarios: product(
    ['visitor', 'anonymous', 'signed-in', 'rotation-due', 'rotation-lost'],
    choose(PLANS, 3),
    [null, ...MISHAPS],
    [null],
  ),
}

/** Four requests, and few interruptions: most races need one or two. */
const fours: Family = {
  name: '4 requests, at most 3 pre-emptions',
  quick: 6,
  scenarios: product(['rotation-due'], choose(FEWER, 4), [null], [null]).map((each) => ({
    ...each,
    preemptions: 3,
  })),
}

/** Everything that `npm run explore` goes through. */
export const families: readonly Family[] = [pairs, queued, ticking, both, thieves, triples, fours]

function withThief(): Plan[][] {
  return PLANS.flatMap((honest) =>
    [thief('read'), thief('update'), thief('sign-out')].map((theirs) => [honest, theirs]),
  )
}

function product(
  beginnings: readonly Beginning[],
  requests: readonly (readonly Plan[])[],
  mishaps: readonly (Mishap | null)[],
  ticks: readonly (number | null)[],
): Scenario[] {
  return beginnings.flatMap((from) =>
    requests.flatMap((plans) =>
      mishaps.flatMap((mishap) => ticks.map((tick) => ({ from, requests: plans, mishap, tick }))),
    ),
  )
}

/** Every way of choosing `count` plans, the same one more than once included; the order is the explorer's business. */
function choose(plans: readonly Plan[], count: number): Plan[][] {
  if (count === 0) return [[]]
  return plans.flatMap((plan, index) => choose(plans.slice(index), count - 1).map((rest) => [plan, ...rest]))
}
