import { existsSync } from 'node:fs'
import path from 'node:path'
import { root } from '../bin/workspace.mjs'
import { filesBelow, read } from './sources.ts'

/** A page of documentation. */
export interface Document {
  /** Relative to the repository. */
  readonly file: string
  readonly text: string
}

/** A fenced block of code. */
export interface Block {
  readonly language: string
  readonly code: string
  /** 1-based line of its first line of code. */
  readonly line: number
}

const pages = [...filesBelow('.')].filter((file) => file.endsWith('.md') && !file.startsWith('.changeset/'))

/** Every page but changelogs, which are history. */
export const documents: readonly Document[] = pages
  .filter((file) => path.basename(file) !== 'CHANGELOG.md')
  .map((file) => ({ file, text: read(file) }))

/** Fenced blocks of a page, in order. */
export function blocksOf({ text }: Document): Block[] {
  const blocks: Block[] = []
  let open: { language: string; from: number } | null = null
  const lines = text.split('\n')
  for (const [index, line] of lines.entries()) {
    const fence = /^\s*```(\w*)/.exec(line)
    if (fence === null) continue
    if (open === null) open = { language: fence[1] as string, from: index + 1 }
    else {
      blocks.push({ language: open.language, code: lines.slice(open.from, index).join('\n'), line: open.from + 1 })
      open = null
    }
  }
  return blocks
}

/** The page without its fenced blocks. */
export const prose = ({ text }: Document): string => text.replace(/^\s*```[\s\S]*?^\s*```/gm, '')

/** The rows of the first table below a heading, cells trimmed; the header is left out. */
export function tableBelow({ file, text }: Document, heading: string): string[][] {
  const lines = text.slice(text.indexOf(`\n${heading}\n`) + 1).split('\n')
  if (lines[0] !== heading) throw new Error(`${file} has no heading ${heading}`)
  const from = lines.findIndex((line) => line.startsWith('|'))
  const rows = lines.slice(from).findIndex((line) => !line.startsWith('|'))
  return lines.slice(from + 2, rows === -1 ? undefined : from + rows).map((row) =>
    row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  )
}

export const document = (file: string): Document => {
  const found = documents.find((candidate) => candidate.file === file)
  if (found === undefined) throw new Error(`there is no ${file}`)
  return found
}

/** Whether a link of a page leads to a file, and to a heading in it if it names one. */
export function leadsSomewhere({ file }: Document, link: string): boolean {
  const [target = '', anchor] = link.split('#')
  const found = target === '' ? file : path.posix.normalize(path.posix.join(path.posix.dirname(file), target))
  if (!existsSync(path.join(root, found))) return false
  if (anchor === undefined || !found.endsWith('.md')) return true
  return anchorsOf(read(found)).includes(anchor)
}

/** Anchors as GitHub makes them of headings. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
