// What a report says, held against the survivors that are known.

/** Least share of mutants that the tests must notice, in percent, those that no test could notice left out of neither side. */
export const SCORE = 95

/**
 * A mutant that survives, and why no test can notice it. It is found by its texts, not by a number: the `line`
 * it begins in, and what of it is `original` and what takes its place, spaces and line breaks as one space.
 *
 * @typedef {{ file: string, line: string, original: string, replacement: string, reason: string }} Survivor
 * @typedef {{ start: { line: number, column: number }, end: { line: number, column: number } }} Location
 * @typedef {{ status: string, location: Location, replacement?: string, mutatorName: string }} Mutant
 * @typedef {{ files: Record<string, { source: string, mutants: Mutant[] }> }} Report
 * @typedef {{ mutants: number, killed: number, explained: number, score: number, unexplained: string[] }} Count
 * @typedef {Count & { files: Record<string, { mutants: number, killed: number }> }} Verdict
 */

/** @param {Report} report @param {Survivor[]} known @returns {Verdict} */
export function judge(report, known) {
  const all = Object.entries(report.files).flatMap(([file, { source, mutants }]) =>
    mutants.map((mutant) => ({ ...place(file, source, mutant.location), mutant })),
  )
  const counted = all.filter(({ mutant }) => !['Ignored', 'CompileError', 'RuntimeError'].includes(mutant.status))
  const survivors = counted.filter(({ mutant }) => ['Survived', 'NoCoverage'].includes(mutant.status))
  const unexplained = survivors.filter(({ file, line, original, mutant }) => {
    const replacement = flat(mutant.replacement ?? '')
    return !known.some(
      (one) => one.file === file && one.line === line && one.original === original && one.replacement === replacement,
    )
  })
  const killed = counted.length - survivors.length
  const countOf = (/** @type {string} */ file) => {
    const [all, alive] = [counted, survivors].map((list) => list.filter((each) => each.file === file).length)
    return { mutants: all ?? 0, killed: (all ?? 0) - (alive ?? 0) }
  }
  return {
    files: Object.fromEntries(Object.keys(report.files).map((file) => [file, countOf(file)])),
    mutants: counted.length,
    killed,
    explained: survivors.length - unexplained.length,
    score: counted.length === 0 ? 0 : Math.floor((10_000 * killed) / counted.length) / 100,
    unexplained: unexplained.map(
      ({ file, original, mutant }) =>
        `${file}:${mutant.location.start.line} ${mutant.mutatorName}: ${original} → ${flat(mutant.replacement ?? '')}`,
    ),
  }
}

/**
 * A report with what is known from earlier ones: of other files, and of other mutants of a file that is as it was.
 *
 * @param {Report | null} earlier @param {Report} report @returns {Report}
 */
export function merge(earlier, report) {
  const key = (/** @type {Mutant} */ { location, replacement }) => JSON.stringify([location, replacement])
  /** @type {Report['files']} */
  const files = { ...earlier?.files }
  for (const [file, { source, mutants }] of Object.entries(report.files)) {
    const tried = new Set(mutants.map(key))
    const others = files[file]?.source === source ? files[file].mutants.filter((each) => !tried.has(key(each))) : []
    files[file] = { source, mutants: [...others, ...mutants] }
  }
  return { files }
}

/** @param {string} file @param {string} source @param {Location} location */
function place(file, source, location) {
  return { file, line: flat(source.split('\n')[location.start.line - 1] ?? ''), original: textAt(source, location) }
}

/** @param {string} source @param {Location} location */
function textAt(source, { start, end }) {
  const lines = source.split('\n').slice(start.line - 1, end.line)
  const last = lines.length - 1
  const cut = lines.map((line, index) =>
    line.slice(index === 0 ? start.column - 1 : 0, index === last ? end.column - 1 : undefined),
  )
  return flat(cut.join('\n'))
}

/** @param {string} text */
export const flat = (text) => text.replaceAll(/\s+/g, ' ').trim()
