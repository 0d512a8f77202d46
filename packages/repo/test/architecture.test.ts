import { existsSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript5'
import { describe, expect, test } from 'vitest'
import { root } from '../bin/workspace.mjs'
import { importsOf, lineOf, type Source, sources, walk } from './sources.ts'

/** The layers of core, each with those it may import. `errors` is a leaf that all may throw from. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  errors: [],
  crypto: ['errors', '#digest'],
  data: ['errors', '@standard-schema/spec'],
  manager: ['kernel', 'data', 'crypto', 'errors', '@standard-schema/spec'],
  http: ['manager', 'kernel', 'crypto', 'errors', '#device-name'],
  upkeep: ['errors', 'kernel/record', 'manager/ports', 'manager/duration', 'manager/timers'],
  memory: ['errors', 'kernel/record', 'manager/ports'],
  store: ['errors', 'kernel/record', 'manager/ports'],
}

/** What each package may import, besides its own files; a trailing `*` stands for anything that follows. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  node: ['@sess/core', '@sess/core/http', 'node:*'],
  express: ['@sess/core', '@sess/core/http', '@sess/node', 'node:*', 'express', 'express-serve-static-core'],
  koa: ['@sess/core', '@sess/core/http', '@sess/node', 'node:*', 'koa'],
  fastify: ['@sess/core', '@sess/core/http', 'node:*', 'fastify', 'fastify-plugin'],
  hono: ['@sess/core', '@sess/core/http', 'hono', 'hono/*'],
  otel: ['@sess/core', '@opentelemetry/api'],
  'store-mysql': ['@sess/core', '@sess/core/store', 'node:buffer'],
  'store-postgres': ['@sess/core', '@sess/core/store'],
  'store-redis': ['@sess/core', '@sess/core/store', 'node:crypto'],
  'store-sqlite': ['@sess/core', '@sess/core/store'],
  testkit: ['@sess/core', '@sess/core/http', '@sess/core/kernel', 'node:*'],
}

const allows = (allowed: readonly string[], specifier: string): boolean =>
  allowed.some((entry) => (entry.endsWith('*') ? specifier.startsWith(entry.slice(0, -1)) : entry === specifier))

/** Path of a core file below src, without extension: `kernel/issue`, `errors`. */
const placeInCore = (file: string): string => file.replace(/^packages\/core\/src\//, '').replace(/\.ts$/, '')

/** Where an import of a core file leads: a place in core, or a specifier. */
const targetOf = (from: Source, specifier: string): string =>
  specifier.startsWith('.') ? placeInCore(path.posix.join(path.posix.dirname(from.file), specifier)) : specifier

const core = sources.filter(({ pkg }) => pkg === 'core')
const kernel = core.filter(({ file }) => file.includes('/kernel/'))
const entries = ['http', 'index', 'kernel', 'platform.d', 'store']
const layered = core.filter(({ file }) => !entries.includes(placeInCore(file)))

/** Identifiers, as far as they are not names of properties. */
function names(source: Source, wanted: readonly string[]): string[] {
  const found: string[] = []
  walk(source.tree, (node) => {
    if (!ts.isIdentifier(node) || !wanted.includes(node.text)) return
    if (ts.isPropertyAccessExpression(node.parent) && node.parent.name === node) return
    if (ts.isPropertySignature(node.parent) || ts.isPropertyAssignment(node.parent)) return
    found.push(`${source.file}:${lineOf(source, node)} ${node.text}`)
  })
  return found
}

describe('import directions', () => {
  test('every file of core belongs to a layer or is a public entry', () => {
    const strays = layered.filter(({ file }) => !Object.hasOwn(LAYERS, placeInCore(file).split('/')[0] as string))
    expect(strays.map(({ file }) => file)).toEqual([])
  })

  test('layers of core import only those below them', () => {
    const wrong = layered.flatMap((source) => {
      const layer = placeInCore(source.file).split('/')[0] as string
      return importsOf(source)
        .map((specifier) => targetOf(source, specifier))
        .filter((target) => target.split('/')[0] !== layer)
        .filter(
          (target) =>
            !(LAYERS[layer] as readonly string[]).some((below) => below === target || below === target.split('/')[0]),
        )
        .filter((target) => !(source.file.endsWith('/digest-portable.ts') && target.startsWith('@noble/hashes/')))
        .filter((target) => !(source.file.endsWith('/digest-node.ts') && target === 'node:crypto'))
        .filter((target) => !(source.file.endsWith('/device-name-library.ts') && target === 'bowser'))
        .map((target) => `${source.file} imports ${target}`)
    })
    expect(wrong).toEqual([])
  })

  test('no file of core but crypto/digest-node.ts imports a built-in of Node', () => {
    const wrong = core.filter((source) => importsOf(source).some((specifier) => specifier.startsWith('node:')))
    expect(wrong.map(({ file }) => file)).toEqual(['packages/core/src/crypto/digest-node.ts'])
  })

  test('the other packages import public entries only, and nothing sideways', () => {
    const others = sources.filter(({ pkg }) => pkg !== 'core')
    const wrong = others.flatMap((source) =>
      importsOf(source)
        .filter((specifier) => !specifier.startsWith('./') && !specifier.startsWith('../'))
        .filter((specifier) => !allows(MAY_IMPORT[source.pkg] ?? [], specifier))
        .map((specifier) => `${source.file} imports ${specifier}`),
    )
    expect(wrong).toEqual([])
  })

  test('no relative import leaves its package', () => {
    const wrong = sources.flatMap((source) =>
      importsOf(source)
        .filter((specifier) => specifier.startsWith('.'))
        .filter((specifier) => {
          const target = path.posix.join(path.posix.dirname(source.file), specifier)
          return !target.startsWith(`packages/${source.pkg}/src/`)
        })
        .map((specifier) => `${source.file} imports ${specifier}`),
    )
    expect(wrong).toEqual([])
  })

  test('every import of an own file names it with its extension', () => {
    const wrong = sources.flatMap((source) =>
      importsOf(source)
        .filter((specifier) => specifier.startsWith('.') && !specifier.endsWith('.ts'))
        .map((specifier) => `${source.file} imports ${specifier}`),
    )
    expect(wrong).toEqual([])
  })
})

describe('the kernel is pure', () => {
  test('it names no clock, randomness, timer, platform or I/O', () => {
    const impure = ['Date', 'crypto', 'process', 'console', 'setTimeout', 'setInterval', 'queueMicrotask', 'fetch']
    expect(kernel.flatMap((source) => names(source, [...impure, 'performance', 'globalThis', 'Promise']))).toEqual([])
    expect(kernel.filter(({ text }) => text.includes('Math.random')).map(({ file }) => file)).toEqual([])
  })

  test('it neither awaits nor throws', () => {
    const wrong: string[] = []
    for (const source of kernel) {
      walk(source.tree, (node) => {
        const { kind } = node
        const isAsync = kind === ts.SyntaxKind.AsyncKeyword || ts.isAwaitExpression(node)
        if (isAsync || ts.isThrowStatement(node)) wrong.push(`${source.file}:${lineOf(source, node)}`)
      })
    }
    expect(wrong).toEqual([])
  })

  test('it keeps no state between calls', () => {
    const wrong = kernel.flatMap((source) =>
      source.tree.statements
        .filter((statement) => ts.isVariableStatement(statement))
        .filter(({ declarationList }) => (declarationList.flags & ts.NodeFlags.Const) === 0)
        .map((statement) => `${source.file}:${lineOf(source, statement)}`),
    )
    expect(wrong).toEqual([])
  })
})

test('nothing has a default export', () => {
  const wrong = sources.filter(({ tree }) =>
    tree.statements.some(
      (statement) =>
        ts.isExportAssignment(statement) ||
        (ts.canHaveModifiers(statement) &&
          ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)),
    ),
  )
  expect(wrong.map(({ file }) => file)).toEqual([])
})

test('no module re-exports everything of another', () => {
  const wrong = sources.filter(({ tree }) =>
    tree.statements.some((statement) => ts.isExportDeclaration(statement) && statement.exportClause === undefined),
  )
  expect(wrong.map(({ file }) => file)).toEqual([])
})

describe('a package is found where one looks for it', () => {
  test('entries re-export by name and hold nothing of their own', () => {
    const isEntry = ({ file }: Source): boolean => /^packages\/\w+\/src\/(?:index|kernel|http|store)\.ts$/.test(file)
    const wrong = sources
      .filter(isEntry)
      .filter(({ tree }) => tree.statements.some((node) => !ts.isExportDeclaration(node) || !node.moduleSpecifier))
    expect(wrong.map(({ file }) => file)).toEqual([])
  })

  test('every adapter has the same five files', () => {
    const files = ['express', 'fastify', 'koa', 'hono', 'node'].flatMap((name) =>
      ['src/index.ts', `src/${name}.ts`, 'test/conformance.test.ts', 'test/types.test-d.ts', 'README.md'].map(
        (file) => `packages/${name}/${file}`,
      ),
    )
    expect(files.filter((file) => !existsSync(path.join(root, file)))).toEqual([])
  })

  test('file names are in kebab case', () => {
    const names = sources.map(({ file }) => path.basename(file))
    expect(names.filter((name) => !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.d)?\.ts$/.test(name))).toEqual([])
  })
})
