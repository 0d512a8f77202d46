import { parts } from './print.ts'
import type { SpeedReport } from './report.ts'

/** The page with the tables of this report between the marks that name them: `<!-- Floor -->` … `<!-- end -->`. */
export function filled(page: string, report: SpeedReport): string {
  const tables = new Map(parts(report))
  return page.replaceAll(/<!-- (.+) -->\n[\s\S]*?<!-- end -->/g, (_, title: string) => {
    const table = tables.get(title)
    if (table === undefined) throw new Error(`The report has no part ${title}: ${[...tables.keys()].join(', ')}`)
    return `<!-- ${title} -->\n\n${table}\n\n<!-- end -->`
  })
}
