import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from '../bin/workspace.mjs'
import { type Block, blocksOf, type Document } from './documents.ts'

/** TypeScript made of a page's blocks, each on the lines it has in the page. */
export interface Snippet {
  readonly file: string
  readonly line: number
  readonly code: string
}

/** Snippets that are compiled together. */
export type Program = readonly Snippet[]

/**
 * The `ts` blocks of the pages as programs. A block that imports is a module of its own; one that does not goes on where the
 * block before it stopped, in a scope of its own. A block that augments other modules would do so for all, so it gets a
 * program with nothing but what comes before it on its page.
 */
export function programsOf(pages: readonly Document[]): Program[] {
  const shared: Snippet[] = []
  const apart: Program[] = []
  for (const page of pages) {
    let chain: Block[] = []
    const close = (): void => {
      if (chain.length > 0) shared.push(assemble(page, chain))
      chain = []
    }
    for (const block of blocksOf(page).filter(({ language }) => language === 'ts')) {
      if (/^declare (?:module|global)\b/m.test(block.code)) {
        apart.push([...(chain.length > 0 ? [assemble(page, chain)] : []), assemble(page, [block])])
      } else {
        if (/^import /m.test(block.code)) close()
        chain.push(block)
      }
    }
    close()
  }
  return [shared, ...apart]
}

function assemble({ file }: Document, blocks: readonly Block[]): Snippet {
  let code = ''
  for (const [index, block] of blocks.entries()) {
    const missing = block.line - 1 - code.split('\n').length
    code += index === 0 ? '\n'.repeat(block.line - 1) : `${'\n'.repeat(missing)}{\n`
    code += `${block.code}\n`
  }
  return { file, line: (blocks[0] as Block).line, code: `${code}${'}'.repeat(blocks.length - 1)}\nexport {}\n` }
}

const cache = fileURLToPath(new URL('../node_modules/.cache/snippets/', import.meta.url))

const options = {
  extends: path.join(root, 'tsconfig.base.json'),
  compilerOptions: { lib: ['ES2023', 'DOM', 'DOM.Iterable'], declaration: false, isolatedDeclarations: false },
}

/** What the compiler has to say about the programs, as `page:line message`. */
export async function compile(programs: readonly Program[]): Promise<string[]> {
  rmSync(cache, { recursive: true, force: true })
  const found: string[] = []
  // One after the other: the compiler uses every core by itself.
  for (const [index, program] of programs.entries())
    found.push(...(await compileOne(program, path.join(cache, String(index)))))
  return found
}

async function compileOne(program: Program, folder: string): Promise<string[]> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  const pages = new Map<string, string>()
  for (const { file, line, code } of program) {
    const name = `${file.replaceAll(/[^\w]/g, '-')}-${line}.ts`
    pages.set(name, file)
    writeFileSync(path.join(folder, name), code)
  }
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ ...options, files: [...pages.keys()] }))
  const complaints = await runCompiler(folder)
  return complaints.map((line) =>
    line.replace(/^([\w-]+\.ts)\((\d+),\d+\)/, (all, name: string, at: string) =>
      pages.has(name) ? `${pages.get(name)}:${at}` : all,
    ),
  )
}

/** Lines the compiler prints, none when it is content. */
function runCompiler(folder: string): Promise<string[]> {
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { cwd: folder }, (error, stdout, stderr) => {
      resolve(error === null ? [] : `${stdout}${stderr}`.trim().split('\n'))
    })
  })
}
