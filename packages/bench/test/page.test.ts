import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { chartsOf } from '../src/speed/charts.ts'
import { filled } from '../src/speed/page.ts'
import { parts } from '../src/speed/print.ts'
import type { SpeedReport } from '../src/speed/report.ts'
import { reached, targetsOf } from '../src/speed/targets.ts'

const docs = new URL('../../../docs/', import.meta.url)
const page = readFileSync(new URL('benchmarks.md', docs), 'utf8')
const report: SpeedReport = JSON.parse(readFileSync(new URL('benchmarks/speed.json', docs), 'utf8'))

describe('docs/benchmarks.md', () => {
  it('has the tables of docs/benchmarks/speed.json, every one', () => {
    expect(filled(page, report)).toBe(page)
    const titles = [...page.matchAll(/^<!-- (?!end)(.+) -->$/gm)].map(([, title]) => title)
    expect(titles.toSorted()).toEqual(
      parts(report)
        .map(([title]) => title)
        .sort(),
    )
  })

  it('shows every chart', () => {
    for (const name of Object.keys(chartsOf(report))) {
      expect(page).toContain(`(benchmarks/${name}.svg)`)
      expect(existsSync(new URL(`benchmarks/${name}.svg`, docs))).toBe(true)
    }
  })

  it('says why about every target that was missed', () => {
    const [, reasons = ''] = page.split('\n## What was missed\n')
    const missed = targetsOf(report).filter((target) => !reached(target))
    expect(missed.map(({ name }) => name).filter((name) => !reasons.includes(`**${name}**`))).toEqual([])
  })
})
