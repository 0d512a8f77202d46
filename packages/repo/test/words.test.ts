import ts from 'typescript5'
import { describe, expect, test } from 'vitest'
import { root } from '../bin/workspace.mjs'
import { filesBelow, lineOf, read, sources, walk } from './sources.ts'

const TEXT = /\.(?:ts|mjs|md|json|ya?ml|html|css|sh)$|^\.ci\/run$|^LICENSE$/
const SELF = 'packages/repo/test/words.test.ts'
const ours = filesBelow('.').filter((file) => TEXT.test(file) && file !== 'pnpm-lock.yaml' && file !== SELF)

function linesWith(files: readonly string[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1} ${line.trim()}`] : [])),
  )
}

const inSources = sources.map(({ file }) => file)
const tests = ours.filter((file) => /\.(?:test|test-d)\.ts$/.test(file))

describe('words', () => {
  test('nothing is left to do in a comment', () => {
    expect(linesWith(ours, /\b(?:TODO|FIXME|XXX|HACK)\b/)).toEqual([])
  })

  test('no compiler or linter is told to look away without a reason', () => {
    expect(linesWith(ours, /@ts-(?:ignore|nocheck)\b/)).toEqual([])
    expect(linesWith(inSources, /@ts-expect-error/)).toEqual([])
    expect(linesWith(ours, /biome-ignore [^:]*(?::\s*)?$/)).toEqual([])
  })

  test('no source says any', () => {
    const wrong: string[] = []
    for (const source of sources) {
      walk(source.tree, (node) => {
        if (node.kind === ts.SyntaxKind.AnyKeyword) wrong.push(`${source.file}:${lineOf(source, node)}`)
      })
    }
    expect(wrong).toEqual([])
  })

  test('no file is a drawer for everything', () => {
    expect(ours.filter((file) => /(?:^|\/)(?:utils?|helpers?|common|misc|types)(?:\.ts|\/)/.test(file))).toEqual([])
  })

  test('no file names a path of a machine', () => {
    const here = root.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
    const absolute = new RegExp(`(?:^|[\\s'"\`(=:])(?:${here}|/home/|/Users/|[A-Z]:\\\\Users\\\\)`)
    expect(linesWith(ours, absolute)).toEqual([])
  })

  test('no file names a package registry of its own', () => {
    expect(linesWith(ours, /\bregistry\s*=|"registry"\s*:/i)).toEqual([])
  })

  test('test titles say what is observed, never what should be', () => {
    expect(linesWith(tests, /\b(?:test|it)(?:\.\w+)*\(\s*['"`][^'"`]*\bshould\b/)).toEqual([])
  })

  test('no test is left out or run alone', () => {
    expect(linesWith(tests, /\b(?:test|it|describe)\.(?:only|todo|skip)\(/)).toEqual([])
  })
})
