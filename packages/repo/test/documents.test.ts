import { readFileSync } from 'node:fs'
import path from 'node:path'
import * as core from '@sess/core'
import { defaultPolicy, fingerprintLevels } from '@sess/core/kernel'
import * as testkit from '@sess/testkit'
import ts from 'typescript5'
import { describe, expect, test } from 'vitest'
import { folders, manifest, root } from '../bin/workspace.mjs'
import { type Block, blocksOf, document, documents, leadsSomewhere, prose, tableBelow } from './documents.ts'
import { compile, programsOf } from './snippets.ts'
import { published, read, type Source, sources, walk } from './sources.ts'

const readme = document('README.md')

const source = (file: string): Source => sources.find((candidate) => candidate.file === file) as Source

/** Names of the members that an exported interface declares itself. */
function members(file: string, name: string): string[] {
  const found: string[] = []
  walk(source(file).tree, (node) => {
    if (!ts.isInterfaceDeclaration(node) || node.name.text !== name) return
    for (const member of node.members) if (member.name !== undefined) found.push(member.name.getText())
  })
  return found
}

/** The fields that each member of an interface has, by the name of the member. */
function fieldsOf(file: string, name: string): Record<string, string[]> {
  const found: Record<string, string[]> = {}
  walk(source(file).tree, (node) => {
    if (!ts.isInterfaceDeclaration(node) || node.name.text !== name) return
    for (const member of node.members.filter(ts.isPropertySignature)) {
      const { type } = member
      const fields = type !== undefined && ts.isTypeLiteralNode(type) ? type.members : []
      found[member.name.getText().replaceAll("'", '')] = fields.map((field) => field.name?.getText() ?? '')
    }
  })
  return found
}

/** The texts that a property may have in a union of the state machine. */
function literals(alias: string, property: string): string[] {
  const found: string[] = []
  const { tree } = source('packages/core/src/kernel/transition.ts')
  walk(tree, (node) => {
    if (!ts.isTypeAliasDeclaration(node) || node.name.text !== alias) return
    const text = node.type.getText(tree)
    for (const [, texts = ''] of text.matchAll(new RegExp(`readonly ${property}: ((?:'[\\w-]+'(?: \\| )?)+)`, 'g'))) {
      for (const [, literal = ''] of texts.matchAll(/'([\w-]+)'/g)) found.push(literal)
    }
  })
  return found
}

/** Names of the OWASP Application Logging Vocabulary that say something about sessions. */
const OWASP = [
  ...['authn_login_success', 'authn_login_fail', 'authn_login_lock', 'authn_token_created', 'authn_token_revoked'],
  ...[
    'authn_token_reuse',
    'authn_impossible_travel',
    'authn_password_change',
    'authz_fail',
    'authz_change',
    'authz_admin',
  ],
  ...['excess_rate_limit_exceeded', 'input_validation_fail', 'malicious_cors', 'malicious_direct_reference'],
  ...['privilege_permissions_changed', 'sensitive_create', 'sensitive_read', 'sensitive_update', 'sensitive_delete'],
  ...['sequence_fail', 'session_created', 'session_renewed', 'session_expired', 'session_use_after_expire'],
]

/** The text in the backticks a cell starts with. */
const code = (cell: string | undefined): string => /^`([^`]*)`/.exec(cell ?? '')?.[1] ?? ''

describe('code in the documentation', () => {
  test('every ts block compiles against the packages', { timeout: 180_000 }, async () => {
    expect(await compile(programsOf(documents))).toEqual([])
  })

  test('a block that is wrong would be found, on its line', async () => {
    const page = {
      file: 'page.md',
      text: 'text\n\n```ts\nimport { memoryStore } from "@sess/core"\nmemoryStore(7)\n```\n',
    }
    expect(await compile(programsOf([page]))).toEqual([expect.stringMatching(/^page\.md:5: error TS2559/)])
  })

  test('every page has its blocks closed', () => {
    const open = documents.filter(({ text }) => (text.match(/^\s*```/gm) ?? []).length % 2 === 1)
    expect(open.map(({ file }) => file)).toEqual([])
  })

  test('the README shows fifteen lines per framework, and no more', () => {
    const examples = blocksOf(readme).filter(({ language }) => language === 'ts')
    const lines = ({ code }: Block): number => code.split('\n').filter((line) => line.trim() !== '').length
    expect(examples.map(lines).filter((count) => count > 15)).toEqual([])
  })
})

describe('references in the documentation', () => {
  test('relative links lead to a file, and to a heading if they name one', () => {
    const broken = documents.flatMap((page) =>
      [...prose(page).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)]
        .filter(([, link = '']) => !leadsSomewhere(page, link))
        .map(([, link]) => `${page.file}: ${link}`),
    )
    expect(broken).toEqual([])
  })

  test('packages and their entries exist by the names given', () => {
    const workspace = folders().map((folder) => manifest(folder).name)
    const entries = published.flatMap((folder) => {
      const { name } = manifest(folder)
      const { exports } = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as {
        exports: object
      }
      return Object.keys(exports).map((entry) => path.posix.join(name, entry))
    })
    const unknown = documents.flatMap(({ file, text }) =>
      [...text.matchAll(/@sess\/[a-z0-9-]+(?:\/[a-z0-9-]+)*/g)]
        .filter(([name]) => ![...entries, ...workspace, '@sess/source'].includes(name))
        .map(([name]) => `${file}: ${name}`),
    )
    expect(unknown).toEqual([])
  })

  test('promises are cited by the ids that the testkit proves', () => {
    const lists = Object.values(testkit).filter((value) => Array.isArray(value))
    const ids = lists.flatMap((cases) => cases.map(({ id }) => id))
    const cited = documents.flatMap(({ file, text }) =>
      [...text.matchAll(/`((?:store|adapter)\/[a-z0-9*/-]+)`/g)].map(([, id]) => ({ file, id: id as string })),
    )
    const known = (id: string): boolean =>
      id.endsWith('*') ? ids.some((other) => other.startsWith(id.slice(0, -1))) : ids.includes(id)
    expect(cited.filter(({ id }) => !known(id))).toEqual([])
    expect(cited.length).toBeGreaterThan(0)
  })

  test('error codes exist', () => {
    const codes = errorRows().map(([code]) => code)
    const unknown = documents.flatMap(({ file, text }) =>
      [...text.matchAll(/\bERR_SESS_[A-Z_]+\b/g)]
        .filter(([name]) => !codes.includes(name))
        .map(([name]) => `${file}: ${name}`),
    )
    expect(unknown).toEqual([])
  })
})

/** Code, status and who must act, from the table in errors.ts. */
function errorRows(): string[][] {
  const table = [
    ...read('packages/core/src/errors.ts').matchAll(/^ \* \| `(ERR_SESS_[A-Z_]+)` \| (\d+) \| the (\w+)/gm),
  ]
  return table.map(([, code = '', status = '', who = '']) => [code, status, who])
}

describe('tables say what the code says', () => {
  test('the grid', () => {
    const grid = /export const grid: Grid = \{\n([\s\S]*?)\n\}/.exec(
      read('packages/core/src/kernel/transition.ts'),
    )?.[1]
    expect(blocksOf(readme).map(({ code }) => code)).toContain(grid?.replaceAll(/^ {2}/gm, ''))
  })

  test('errors, in the README and in docs/errors.md', () => {
    const rows = errorRows()
    expect(rows.length).toBeGreaterThan(9)
    const who = (cell = ''): string => /the (\w+)/.exec(cell)?.[1] ?? ''
    const inReadme = tableBelow(readme, '## Errors').map(([name, status, act]) => [code(name), status, who(act)])
    expect(inReadme).toEqual(rows)
    const guide = tableBelow(document('docs/errors.md'), '# Errors')
    expect(guide.map(([name, , status, act]) => [code(name), status, who(act)])).toEqual(rows)
    for (const [, name] of guide) expect(core).toHaveProperty(code(name))
  })

  test('events, with their fields and OWASP names', () => {
    const page = document('docs/events.md')
    const fields = fieldsOf('packages/core/src/manager/events.ts', 'SessionEvents')
    const rows = tableBelow(page, '## All events')
    const listed = rows.map(([name, , given = '']) => [
      code(name),
      [...given.matchAll(/`(\w+)`/g)].map(([, field]) => field),
    ])
    expect(Object.fromEntries(listed)).toEqual(fields)
    const vocabulary = rows.flatMap(([, , , names = '']) => [...names.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)])
    expect(vocabulary.map(([, name]) => name).filter((name) => !OWASP.includes(name as string))).toEqual([])
  })

  test('events, for every step and refusal of the machine', () => {
    const rows = tableBelow(document('docs/events.md'), '## From the machine to the events')
    const machine = [...literals('SessionEvent', 'type'), ...literals('Refusal', 'why')]
    expect(rows.map(([name]) => code(name)).toSorted()).toEqual([...new Set(machine)].toSorted())
    const events = Object.keys(fieldsOf('packages/core/src/manager/events.ts', 'SessionEvents'))
    const told = rows.flatMap(([, names = '']) => [...names.matchAll(/`([\w-]+)`/g)].map(([, name]) => name as string))
    expect(told.filter((name) => !events.includes(name))).toEqual([])
  })

  test('options', () => {
    const options = [
      ...members('packages/core/src/manager/options.ts', 'ManagerOptions'),
      ...members('packages/core/src/http/sessions.ts', 'SessionsOptions'),
      ...members('packages/core/src/http/carrier.ts', 'TransportOptions').filter((name) => name !== 'cookie'),
      ...members('packages/core/src/http/cookie.ts', 'CookieOptions').map((name) => `cookie.${name}`),
      ...members('packages/core/src/http/csrf/options.ts', 'CsrfOptions').map((name) => `csrf.${name}`),
    ]
    expect(options.length).toBeGreaterThan(25)
    const listed = tableBelow(readme, '## Options').map(([name]) => code(name))
    expect(listed.toSorted()).toEqual(options.toSorted())
  })

  test('defaults', () => {
    const { idleMs, absoluteMs, rotateEveryMs, overlapMs, retainEndedMs, clockSkewMs } = defaultPolicy
    const defaults = Object.fromEntries(tableBelow(readme, '## Defaults').map(([name, value]) => [code(name), value]))
    const minutes = (ms: number | null): string => `${Number(ms) / 60_000} min`
    expect(defaults).toMatchObject({
      idle: minutes(idleMs),
      absolute: `${absoluteMs / 3_600_000} h`,
      rotateEvery: minutes(rotateEveryMs),
      overlap: `${overlapMs / 1000} s`,
      retainEnded: `${retainEndedMs / 3_600_000} h`,
      clockSkew: `${clockSkewMs / 1000} s`,
      fingerprint: "`'observe'`",
      ipBinding: `\`'${defaultPolicy.ipBinding}'\``,
      onIdle: `\`'${defaultPolicy.onIdle}'\``,
    })
    expect(defaultPolicy.fingerprint).toBe(fingerprintLevels.observe)
  })

  test('the cookie', async () => {
    const session = await core.createSessions({ store: core.memoryStore() }).open({ cookie: '' })
    session.signIn('ada')
    await session.commit()
    const shape = session.toHeaders()[0]?.[1].replace(/=[^;]*;/, ';')
    expect(tableBelow(readme, '## Defaults')).toContainEqual(['cookie', `\`${shape}\``])
  })

  test('runtimes', () => {
    const { devDependencies = {}, optionalDependencies = {} } = JSON.parse(
      read('packages/runtimes/package.json'),
    ) as Record<'devDependencies' | 'optionalDependencies', Record<string, string>>
    const nodes = Object.values(optionalDependencies).map((version) => version.split('@').at(-1) as string)
    const listed = Object.fromEntries(tableBelow(readme, '## Runtimes and versions'))
    expect(listed).toMatchObject({
      'Node.js': nodes.join(' · '),
      Bun: devDependencies.bun,
      Deno: devDependencies.deno,
    })
  })

  test('frameworks', () => {
    const listed = Object.fromEntries(tableBelow(readme, '## Runtimes and versions'))
    for (const name of ['Express', 'Fastify', 'Koa', 'Hono']) {
      const { peerDependencies = {} } = JSON.parse(read(`packages/${name.toLowerCase()}/package.json`)) as {
        peerDependencies?: Record<string, string>
      }
      const majors = [...(peerDependencies[name.toLowerCase()] ?? '').matchAll(/\^(\d+)/g)].map(([, major]) => major)
      expect([name, listed[name]]).toEqual([name, majors.join(' and ')])
    }
  })
})

describe('pages keep their size', () => {
  const lines = (file: string): number => read(file).trimEnd().split('\n').length

  test('CONTRIBUTING.md has at most 90 lines', () => {
    expect(lines('CONTRIBUTING.md')).toBeLessThanOrEqual(90)
  })

  test('decisions have at most 20 lines each and are numbered without a gap', () => {
    const decisions = documents.map(({ file }) => file).filter((file) => file.startsWith('docs/decisions/'))
    expect(decisions.filter((file) => lines(file) > 20)).toEqual([])
    const numbers = decisions.map((file) => Number(path.basename(file).slice(0, 3))).toSorted((a, b) => a - b)
    expect(numbers).toEqual(decisions.map((_, index) => index + 1))
  })

  test('every published package has a README', () => {
    const without = published.filter((folder) => !documents.some(({ file }) => file === `${folder}/README.md`))
    expect(without).toEqual([])
  })
})
