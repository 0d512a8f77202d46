import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript5'
import { folders, manifest, root } from '../bin/workspace.mjs'

/** One source file of a published package. */
export interface Source {
  /** Relative to the repository, with forward slashes. */
  readonly file: string
  /** The package's folder name: `core`, `express` … */
  readonly pkg: string
  readonly text: string
  readonly tree: ts.SourceFile
}

export const published: readonly string[] = folders().filter((folder) => !manifest(folder).private)

/** Every file below a folder, relative to the repository; folders that tools write are left out. */
export function filesBelow(folder: string): string[] {
  const entries = readdirSync(path.join(root, folder), { withFileTypes: true })
  return entries.flatMap((entry) => {
    if (['node_modules', 'dist', 'coverage', '.turbo', '.stryker-tmp', '.git'].includes(entry.name)) return []
    const file = folder === '.' ? entry.name : `${folder}/${entry.name}`
    return entry.isDirectory() ? filesBelow(file) : [file]
  })
}

export const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')

export const sources: readonly Source[] = published
  .filter((folder) => existsSync(path.join(root, folder, 'src')))
  .flatMap((folder) => filesBelow(`${folder}/src`).map((file) => ({ file, pkg: path.basename(folder) })))
  .filter(({ file }) => file.endsWith('.ts'))
  .map(({ file, pkg }) => ({ file, pkg, ...parse(file) }))

function parse(file: string): { text: string; tree: ts.SourceFile } {
  const text = read(file)
  return { text, tree: ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true) }
}

/** Calls `look` with every node of a tree. */
export function walk(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node)
  node.forEachChild((child) => walk(child, look))
}

/** Specifiers that a file imports or re-exports, dynamic ones too. */
export function importsOf({ tree }: Source): string[] {
  const found: string[] = []
  walk(tree, (node) => {
    const specifier =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]
          : undefined
    if (specifier !== undefined && ts.isStringLiteral(specifier)) found.push(specifier.text)
  })
  return found
}

/** 1-based line of a node. */
export const lineOf = ({ tree }: Source, node: ts.Node): number =>
  tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
