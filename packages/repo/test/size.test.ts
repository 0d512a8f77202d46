import ts from 'typescript5'
import { describe, expect, test } from 'vitest'
import { lineOf, type Source, sources, walk } from './sources.ts'

/** Longest files, by the package's folder name. */
const FILE_LINES: Readonly<Record<string, number>> = { express: 150, fastify: 150, koa: 150, hono: 150 }
const FILE_LINES_ELSEWHERE = 250
const FUNCTION_LINES = 40
/**
 * Lines of a whole store that are neither blank nor comment. PostgreSQL has a feed of endings, and its admissions in SQL; Redis has
 * a feed, replication, a scan over a Cluster, and two families of clients.
 */
const STORE_LINES: Readonly<Record<string, number>> = {
  'store-sqlite': 200,
  'store-mysql': 245,
  'store-postgres': 270,
  'store-redis': 395,
}

const lines = (text: string): number => text.trimEnd().split('\n').length

const limitOf = ({ pkg }: Source): number => FILE_LINES[pkg] ?? FILE_LINES_ELSEWHERE

const linesOfCode = (text: string): number =>
  text.split('\n').filter((line) => !/^\s*(?:\/\/.*|\/?\*.*)?$/.test(line)).length

function functionsOf(source: Source): { place: string; length: number }[] {
  const found: { place: string; length: number }[] = []
  walk(source.tree, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return
    const from = lineOf(source, node)
    const to = source.tree.getLineAndCharacterOfPosition(node.getEnd()).line + 1
    const name = node.name?.getText(source.tree) ?? 'anonymous'
    found.push({ place: `${source.file}:${from} ${name}`, length: to - from + 1 })
  })
  return found
}

describe('size', () => {
  test('files are short', () => {
    const long = sources.filter((source) => lines(source.text) > limitOf(source))
    expect(long.map(({ file, text }) => `${file}: ${lines(text)} lines`)).toEqual([])
  })

  test('stores are short', () => {
    const long = Object.entries(STORE_LINES).flatMap(([store, limit]) => {
      const texts = sources.filter(({ pkg }) => pkg === store).map(({ text }) => text)
      const count = texts.reduce((sum, text) => sum + linesOfCode(text), 0)
      return count > 0 && count <= limit ? [] : [`${store}: ${count} lines`]
    })
    expect(long).toEqual([])
  })

  test('functions are short', () => {
    const long = sources.flatMap(functionsOf).filter(({ length }) => length > FUNCTION_LINES)
    expect(long.map(({ place, length }) => `${place}: ${length} lines`)).toEqual([])
  })
})
