import { existsSync } from 'node:fs'
import path from 'node:path'
import { adapterCases, storeCases } from '@sess/testkit'
import ts from 'typescript5'
import { describe, expect, test } from 'vitest'
import { citation, PAGE, page, patternOf, type Requirement, requirements, unproven } from '../bin/requirements.mjs'
import { root } from '../bin/workspace.mjs'
import { documents } from './documents.ts'
import { read, walk } from './sources.ts'

const ids = [...storeCases, ...adapterCases].map(({ id }) => id)
const cited = requirements.flatMap(({ id, tests = [] }) => tests.map((text) => ({ id, text })))

/** Titles of the tests and groups in a file, as they are written. */
function titlesOf(file: string): string[] {
  const titles: string[] = []
  walk(ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true), (node) => {
    if (!ts.isCallExpression(node)) return
    const [title] = node.arguments
    const name = node.expression.getText().replace(/[.(][\s\S]*$/, '')
    if (['it', 'test', 'describe'].includes(name) && title !== undefined && ts.isStringLiteralLike(title))
      titles.push(title.text)
  })
  return titles
}

/** Whether what is cited is there. */
function exists(text: string): boolean {
  const found = citation(text)
  if (found.id !== undefined) {
    const { id } = found
    return id.endsWith('*') ? ids.some((each) => each.startsWith(id.slice(0, -1))) : ids.includes(id)
  }
  return existsSync(path.join(root, found.file)) && titlesOf(found.file).includes(found.title)
}

describe('docs/security/requirements.md', () => {
  test('is what its data says; otherwise: node packages/repo/bin/requirements.mjs', () => {
    expect(read(PAGE)).toBe(page())
  })

  test('has the 150 requirements, each once, in order', () => {
    expect(requirements.map(({ id }) => id)).toEqual(
      Array.from({ length: 150 }, (_, at) => `R${String(at + 1).padStart(3, '0')}`),
    )
  })

  test('cites only tests that exist', () => {
    expect(cited.filter(({ text }) => !exists(text))).toEqual([])
    expect(cited.length).toBeGreaterThan(150)
  })

  test('shows what is met, and gives reasons for what is not', () => {
    const bare = requirements.filter(({ verdict, tests }) => verdict === 'met' && tests === undefined)
    expect(bare.map(({ id }) => id)).toEqual([])
    const unexplained = requirements.filter(
      ({ verdict, why, group }) =>
        ['deviates', 'application', 'absent'].includes(verdict) && why === undefined && group !== 'DBS',
    )
    expect(unexplained.map(({ id }) => id)).toEqual([])
  })
})

describe('tests cited in other pages', () => {
  test('exist', () => {
    const others = documents.filter(({ file }) => file !== PAGE)
    const found = others.flatMap(({ file, text }) =>
      [...text.matchAll(/`((?:[a-z-]+)\/test\/[^`]+? › [^`]+)`/g)].map(([, citing = '']) => ({ file, citing })),
    )
    expect(found.filter(({ citing }) => !exists(citing))).toEqual([])
    expect(found.length).toBeGreaterThan(0)
  })
})

describe('a claim', () => {
  const claim = (...tests: string[]): Requirement[] => [
    { id: 'R001', group: 'TOK', source: '', level: '', title: '', verdict: 'met', tests },
  ]
  const ran = (title: string, status = 'passed', ancestorTitles: string[] = []) => [
    {
      name: path.join(root, 'packages/core/test/a.test.ts'),
      assertionResults: [{ title, status, ancestorTitles, fullName: '' }],
    },
  ]

  test('stands when its test has passed', () => {
    expect(unproven(ran('adapter/a/b: does it'), claim('adapter/a/b', 'adapter/a/*'))).toEqual([])
    expect(unproven(ran('does it'), claim('core/test/a.test.ts › does it'))).toEqual([])
    expect(unproven(ran('one', 'passed', ['a group']), claim('core/test/a.test.ts › a group'))).toEqual([])
    expect(
      unproven(ran('is 5 (R)'), claim('core/test/a.test.ts › is %s (R)', 'core/test/a.test.ts › is $what.of (R)')),
    ).toEqual([])
  })

  test('falls when its test has failed, was skipped, or was not there', () => {
    expect(unproven(ran('adapter/a/b: does it', 'failed'), claim('adapter/a/b'))).toEqual(['R001: adapter/a/b failed'])
    expect(unproven(ran('adapter/a/b: does it', 'pending'), claim('adapter/a/b'))).toEqual([
      'R001: adapter/a/b did not run',
    ])
    expect(unproven(ran('adapter/a/bc: does it'), claim('adapter/a/b'))).toHaveLength(1)
    expect(unproven(ran('does it'), claim('core/test/b.test.ts › does it'))).toHaveLength(1)
    expect(unproven(ran('does it not'), claim('core/test/a.test.ts › does it'))).toHaveLength(1)
  })

  test('takes every character but the placeholders as it is', () => {
    expect(patternOf('a.b (%s)?').test('a.b (x)?')).toBe(true)
    expect(patternOf('a.b (%s)?').test('axb (x)')).toBe(false)
  })
})
