import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { flat, judge, merge } from '../bin/judge.mjs'

const root = new URL('../../../', import.meta.url)
const survivors: { file: string; line: string; original: string; replacement: string; reason: string }[] = JSON.parse(
  readFileSync(new URL('../survivors.json', import.meta.url), 'utf8'),
)

describe('survivors.json', () => {
  it.each(survivors.map((each) => [`${each.file}: ${each.original} → ${each.replacement}`, each] as const))(
    '%s: is a line of the source, and has a reason',
    (_, { file, line, original, reason }) => {
      expect(existsSync(new URL(file, root))).toBe(true)
      const lines = readFileSync(new URL(file, root), 'utf8').split('\n').map(flat)
      expect(lines.filter((each) => each === line).length).toBeGreaterThan(0)
      expect(line).toContain(original)
      expect(reason.length).toBeGreaterThan(20)
    },
  )
})

describe('the verdict on a report', () => {
  const location = { start: { line: 1, column: 8 }, end: { line: 1, column: 13 } }
  const mutant = (status: string, replacement: string) => ({ status, replacement, location, mutatorName: 'Equality' })
  const report = {
    files: { 'a.ts': { source: 'return a < b', mutants: [mutant('Killed', 'a > b'), mutant('Survived', 'a <= b')] } },
  }
  const known = { file: 'a.ts', line: 'return a < b', original: 'a < b', replacement: 'a <= b', reason: 'never equal' }

  it('names a survivor that nobody has explained', () => {
    const { score, unexplained } = judge(report, [])
    expect(score).toBe(50)
    expect(unexplained).toEqual(['a.ts:1 Equality: a < b → a <= b'])
    expect(judge(report, [{ ...known, line: 'if (a < b)' }]).unexplained).toHaveLength(1)
  })

  it('counts one that is explained, which raises no score', () => {
    expect(judge(report, [known])).toMatchObject({ score: 50, explained: 1, unexplained: [] })
  })
})

describe('a report of some mutants', () => {
  const mutant = (line: number, status: string) => {
    const location = { start: { line, column: 1 }, end: { line, column: 2 } }
    return { status, location, replacement: 'b', mutatorName: 'Any' }
  }
  const report = (file: string, source: string, ...mutants: ReturnType<typeof mutant>[]) => ({
    files: { [file]: { source, mutants } },
  })
  const earlier = report('a.ts', 'a\na', mutant(1, 'Survived'), mutant(2, 'Killed'))

  it('takes the place of what was known of them', () => {
    const { files, killed } = judge(merge(earlier, report('a.ts', 'a\na', mutant(1, 'Killed'))), [])
    expect(files).toEqual({ 'a.ts': { mutants: 2, killed: 2 } })
    expect(killed).toBe(2)
  })

  it('leaves other files as they were, and nothing of a source that has changed', () => {
    expect(judge(merge(earlier, report('b.ts', 'a', mutant(1, 'Killed'))), []).files).toEqual({
      'a.ts': { mutants: 2, killed: 1 },
      'b.ts': { mutants: 1, killed: 1 },
    })
    expect(judge(merge(earlier, report('a.ts', 'x', mutant(1, 'Killed'))), []).mutants).toBe(1)
    expect(merge(null, earlier)).toEqual(earlier)
  })
})
