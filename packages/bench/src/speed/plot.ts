import { readFileSync, writeFileSync } from 'node:fs'
import { chartsOf } from './charts.ts'
import { filled } from './page.ts'
import { drawing } from './peers.ts'
import type { SpeedReport } from './report.ts'

// npm run bench:plot: draws docs/benchmarks/speed.json, and puts its tables into docs/benchmarks.md.
const docs = new URL('../../../../docs/', import.meta.url)
const page = new URL('benchmarks.md', docs)
const report: SpeedReport = JSON.parse(readFileSync(new URL('benchmarks/speed.json', docs), 'utf8'))
const draw = await drawing()
for (const [name, chart] of Object.entries(chartsOf(report)))
  writeFileSync(new URL(`benchmarks/${name}.svg`, docs), await draw(chart))
writeFileSync(page, filled(readFileSync(page, 'utf8'), report))
