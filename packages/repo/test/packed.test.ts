import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as core from '@sess/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packAll } from '../bin/check-exports.mjs'
import { folders, manifest, root } from '../bin/workspace.mjs'

/** A project of somebody who has installed the packages. */
const project = mkdtempSync(path.join(tmpdir(), 'consumer-'))
const installed = path.join(project, 'node_modules')
let packages: string[] = []

/** Packages that bring their table as SQL too. */
const WITH_SCHEMA = ['@sess/store-postgres', '@sess/store-mysql']

/** What the packages need besides each other comes from where this workspace has it. */
function link(name: string, from: string): void {
  const target = path.join(installed, name)
  const source = path.join(root, from, 'node_modules', name)
  if (existsSync(target) || !existsSync(source)) return
  mkdirSync(path.dirname(target), { recursive: true })
  symlinkSync(source, target, 'junction')
}

beforeAll(async () => {
  const packed = await packAll(project)
  if (packed === null) throw new Error('pnpm pack failed')
  for (const { name, file } of packed) {
    const target = path.join(installed, name)
    mkdirSync(target, { recursive: true })
    const { status, stderr } = spawnSync('tar', ['-xzf', file, '--strip-components=1', '-C', target], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(stderr)
  }
  packages = packed.map(({ name }) => name)
  for (const name of packages) {
    const folder = folders().find((candidate) => manifest(candidate).name === name) as string
    const { dependencies = {}, peerDependencies = {} } = read(name)
    for (const other of Object.keys({ ...dependencies, ...peerDependencies })) link(other, folder)
  }
  for (const name of ['@types/express', '@types/koa']) link(name, 'packages/repo')
  link('@types/node', '.')
  writeFileSync(path.join(project, 'package.json'), JSON.stringify({ type: 'module' }))
})

afterAll(() => rmSync(project, { recursive: true, force: true }))

interface Packed {
  readonly exports: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const read = (name: string): Packed =>
  JSON.parse(readFileSync(path.join(installed, name, 'package.json'), 'utf8')) as Packed

const entriesOf = (name: string): string[] =>
  Object.keys(read(name).exports)
    .filter((entry) => !entry.endsWith('.json'))
    .map((entry) => path.posix.join(name, entry))

/** Runs a script in the project; what it prints, as JSON. */
function node(script: string, ...flags: string[]): unknown {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', script], {
    cwd: project,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

describe('as packed', () => {
  test('no package refers to the workspace', () => {
    const wrong = packages.filter((name) => JSON.stringify(read(name)).includes('workspace:'))
    expect(wrong).toEqual([])
  })

  test('packages hold what is built, its sources, a README and nothing else', () => {
    const found = packages.map((name) => [name, readdirSync(path.join(installed, name)).toSorted()])
    const expected = (name: string) => [
      ...['LICENSE', 'README.md', 'dist', 'package.json'],
      ...(WITH_SCHEMA.includes(name) ? ['schema.sql'] : []),
      'src',
    ]
    expect(found).toEqual(packages.map((name) => [name, expected(name)]))
  })

  test('every entry is imported by Node', () => {
    const entries = packages.flatMap(entriesOf)
    const imports = entries.map((entry) => `import('${entry}').then((all) => Object.keys(all).length)`)
    const counts = node(`Promise.all([${imports}]).then((all) => console.log(JSON.stringify(all)))`) as number[]
    expect(counts.filter((count) => count === 0)).toEqual([])
    expect(counts).toHaveLength(entries.length)
  })

  test('core exports at run time what its sources export', () => {
    const names = node("import('@sess/core').then((all) => console.log(JSON.stringify(Object.keys(all))))")
    expect(names).toEqual(Object.keys(core).toSorted())
  })

  test('core signs somebody in', () => {
    const script = `import('@sess/core').then(async ({ createSessions, memoryStore }) => {
      const session = await createSessions({ store: memoryStore() }).open({ cookie: '' })
      session.signIn('ada')
      await session.commit()
      console.log(JSON.stringify([session.subject, session.toHeaders()[0][0]]))
    })`
    expect(node(script)).toEqual(['ada', 'Set-Cookie'])
  })

  test('require() loads core on this Node', () => {
    const script = "console.log(JSON.stringify(typeof require('@sess/core').createSessions))"
    expect(node(script, '--input-type=commonjs', '--no-warnings')).toBe('function')
  })
})

const TYPESCRIPT_7 = 'node_modules/typescript/bin/tsc'
const TYPESCRIPT_5 = 'packages/repo/node_modules/typescript5/bin/tsc'
const SERVER = { module: 'nodenext', moduleResolution: 'nodenext', lib: ['ES2023'] }
const BUNDLED = { module: 'esnext', moduleResolution: 'bundler', lib: ['ES2023', 'DOM', 'DOM.Iterable'] }

describe('declarations, with skipLibCheck off', () => {
  test.each([
    ['a server under TypeScript 7', TYPESCRIPT_7, SERVER],
    ['a bundled application under TypeScript 7', TYPESCRIPT_7, BUNDLED],
    ['a server under TypeScript 5.9', TYPESCRIPT_5, SERVER],
  ])('hold for %s', { timeout: 120_000 }, (_, tsc, resolution) => {
    const entries = packages.flatMap(entriesOf)
    const uses = entries.map((entry, index) => `import * as entry${index} from '${entry}'\nexport { entry${index} }\n`)
    writeFileSync(path.join(project, 'consumer.ts'), uses.join(''))
    const compilerOptions = { ...resolution, target: 'es2022', types: ['node'], strict: true, noEmit: true }
    writeFileSync(path.join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
    const { stdout } = spawnSync(process.execPath, [path.join(root, tsc), '-p', project, '--pretty', 'false'], {
      cwd: project,
      encoding: 'utf8',
    })
    // Frameworks' own declarations are theirs to keep.
    const ours = stdout.split('\n').filter((line) => /^(?:consumer\.ts|node_modules\/@sess\/|error )/.test(line))
    expect(ours).toEqual([])
  })
})
