import { grid, type SessionRecord, type Standing, standing, tokenRow, transition } from '@sess/core/kernel'
import { authenticated, describeOutcome, events, MINUTE, NOW, policy, records, type Sample } from './samples.ts'

const STANDINGS = Object.keys(records) as Standing[]
const SAMPLES = Object.keys(events) as Sample[]

/** The whole of docs/lifecycle.md, from running the machine. */
export function lifecyclePage(): string {
  return `<!-- Derived from the machine; do not edit. To write it anew: npx vitest run --project @sess/core lifecycle-page -u -->

# The life of a session

What this page shows was found by running \`transition()\` of \`@sess/core/kernel\` on a record of each standing. A test
fails when the page and the machine part.

${diagram()}

- **none**: there is no record. **expired** is derived from the deadlines at every event and never stored.
- **ended** is absorbing: no event leaves it.

## What each event does

The arrow leads to the state, behind it are the effects: what has to be stored or sent. ✗ is a typed refusal; only
that of a reused token has an effect.

${outcomes()}

## The verbs

The grid at the top of \`packages/core/src/kernel/transition.ts\`, each cell a named function.

${verbs()}

## The token table

A token is \`sid.generation.mac\`. The record is at generation \`g\`, the request presents \`p\`. A rotation is *soft* when it is
periodic and *hard* on a change of privilege; \`g\` is *confirmed* once it has been presented. Overlap is
${policy.overlapMs / 1000} s by default.

${tokens()}
`
}

function diagram(): string {
  const labels = new Map<string, Sample[]>()
  for (const from of STANDINGS) {
    for (const sample of SAMPLES) {
      const outcome = transition(records[from], events[sample], policy, NOW)
      if (!outcome.ok) continue
      const to = standing(outcome.record, policy, NOW)
      const arrow = `${node(from)} --> ${node(to)}`
      labels.set(arrow, [...(labels.get(arrow) ?? []), sample])
    }
  }
  const visitor = transition(null, { ...events.issue, subject: null }, policy, NOW)
  const begins = `${node('none')} --> ${node(standing(visitor.record, policy, NOW))}: issue (no subject)`
  const arrows = [...labels].map(([arrow, samples]) => `${arrow}: ${samples.join(', ')}`)
  const deadlines = STANDINGS.filter((from) => passesInto(from, 'expired') && from !== 'expired').map(
    (from) => `${node(from)} --> expired: a deadline passes`,
  )
  const lines = [begins, ...arrows, ...reuses(), ...deadlines].map((line) => `  ${line}`)
  return ['```mermaid', 'stateDiagram-v2', ...lines, '```'].join('\n')
}

function node(where: Standing): string {
  return where === 'none' ? '[*]' : where
}

/** Where the record of `from` stands once nobody has used it for long. */
function passesInto(from: Standing, to: Standing): boolean {
  return standing(records[from], policy, NOW + policy.absoluteMs) === to
}

/** The refusals that end the session: a retired token is presented. */
function reuses(): string[] {
  return STANDINGS.flatMap((from) => {
    const before = records[from]
    const record = before === null ? null : { ...before, generation: 2 }
    const outcome = transition(record, events.present, policy, NOW)
    if (outcome.ok || outcome.record === record) return []
    return [`${node(from)} --> ${node(standing(outcome.record, policy, NOW))}: present a retired token`]
  })
}

function outcomes(): string {
  const rows = SAMPLES.map((sample) => [
    `**${sample}**`,
    ...STANDINGS.map((from) => describeOutcome(transition(records[from], events[sample], policy, NOW))),
  ])
  return table(['', ...STANDINGS], rows)
}

function verbs(): string {
  const columns = Object.keys(grid.none) as (keyof typeof grid.none)[]
  const rows = (Object.keys(grid) as Standing[]).map((from) => [
    `**${from}**`,
    ...columns.map((event) => grid[from][event].name),
  ])
  return table(['', ...columns], rows)
}

interface Case {
  readonly presented: string
  readonly back: number
  readonly when: string
  readonly change: Partial<SessionRecord>
}

const UNCONFIRMED = { confirmedAt: null }
const WITHIN = { confirmedAt: NOW - policy.overlapMs + 1 }
const LATER = { confirmedAt: NOW - policy.overlapMs }
const CASES: readonly Case[] = [
  { presented: 'p = g', back: 0, when: 'unconfirmed', change: UNCONFIRMED },
  { presented: 'p = g', back: 0, when: 'confirmed', change: LATER },
  { presented: 'p = g − 1', back: 1, when: 'unconfirmed', change: UNCONFIRMED },
  { presented: 'p = g − 1', back: 1, when: 'confirmed, within overlap', change: WITHIN },
  { presented: 'p = g − 1', back: 1, when: 'confirmed, later', change: LATER },
  { presented: 'p ≤ g − 2', back: 2, when: 'unconfirmed', change: UNCONFIRMED },
  { presented: 'p ≤ g − 2', back: 2, when: 'confirmed, within overlap', change: WITHIN },
  { presented: 'p ≤ g − 2', back: 2, when: 'confirmed, later', change: LATER },
  { presented: 'g < p ≤ g + 8', back: -8, when: 'any', change: LATER },
  { presented: 'p > g + 8', back: -9, when: 'any', change: LATER },
]

function tokens(): string {
  const rows = CASES.map(({ presented, back, when, change }) => {
    const [soft, hard] = (['soft', 'hard'] as const).map((rotation) => {
      const record = authenticated({ generation: 10, lastSeenAt: NOW - MINUTE / 2, rotation, ...change })
      const event = { ...events.present, generation: 10 - back }
      const row = tokenRow(record, event.generation, policy, NOW)
      return `${row}: ${describeOutcome(transition(record, event, policy, NOW))}`
    })
    return [presented, when, soft ?? '', hard ?? '']
  })
  return table(['presented', 'g is', 'last rotation soft', 'last rotation hard'], rows)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
