import type { Profiler } from 'node:inspector'
import { findSourceMap } from 'node:module'

/** What the profiler brings home: a tree of frames, and at which of them it was each time it looked. */
export type Frames = Profiler.Profile

const OTHERS = 'framework, app and Node'
const REST = 'promises, collection, the rest'

/**
 * What a read is made of, in the order of the table, and which `file#function` belongs to it. The first that fits counts, but for
 * those in front of the table.
 */
const HEADERS = 'cookie and headers'
const COMPONENTS: readonly (readonly [name: string, frames: RegExp])[] = [
  ['token: HMAC, SHA-256', /\/core\/src\/crypto\//],
  ['store call, bounded in time', /\/core\/src\/manager\/store-gate\./],
  ['record and memory store', /\/core\/src\/memory\//],
  ['data: parse, compare', /\/core\/src\/data\//],
  [
    'client and fingerprint',
    /\/core\/src\/(?:http\/(?:client|user-agent|address)|manager\/client|kernel\/fingerprint)\./,
  ],
  ['state machine', /\/core\/src\/kernel\//],
  ['session and commit', /\/core\/src\/(?:manager\/|http\/sessions\.)/],
  [HEADERS, /\/core\/src\/http\/|\/(?:node\/src\/node|fastify\/src\/fastify|hono\/src\/hono)\.ts#(?:get|set|append)$/],
  ['hold of the response', /\/node\/src\/(?:hold|held-response|node-response)\.|\/node\/src\/node\.ts#holdSession/],
  ['adapter', /\/(?:node|express|koa|fastify|hono)\/src\//],
  // What writes a response out does so for the app, whoever stands in between.
  [OTHERS, /\/bench\/|^node:(?:_http_outgoing|_http_server)#(?:end|write|writeHead|_implicitHeader)/],
]

/** The components in the order of the table. */
export const COMPONENT_NAMES: readonly string[] = [...COMPONENTS.map(([name]) => name), REST]

type Frame = Frames['nodes'][number]['callFrame']

/** How often each component was seen at work. What Node and V8 do counts for whoever called them. */
export function componentsOf({ nodes, samples = [] }: Frames): Map<string, number> {
  const names = new Map<number, string>()
  const children = new Map(nodes.map((node) => [node.id, node]))
  const root = nodes[0]
  const visit = (id: number, caller: string): void => {
    const node = children.get(id)
    if (node === undefined) return
    const name = componentOf(node.callFrame) ?? caller
    names.set(id, name)
    for (const child of node.children ?? []) visit(child, name)
  }
  if (root !== undefined) visit(root.id, REST)
  const found = new Map<string, number>()
  for (const id of samples) {
    const name = names.get(id)
    if (name !== undefined && name !== IDLE) found.set(name, (found.get(name) ?? 0) + 1)
  }
  return found
}

const IDLE = '(idle)'

function componentOf(frame: Frame): string | undefined {
  if (frame.functionName === IDLE) return IDLE
  const place = `${sourceOf(frame)}#${frame.functionName}`
  return COMPONENTS.find(([, frames]) => frames.test(place))?.[0]
}

/** The file that a frame was written in; for what is no file, its name. */
function sourceOf({ url, lineNumber, columnNumber }: Frame): string {
  const entry = url === '' ? undefined : findSourceMap(url)?.findEntry(lineNumber, columnNumber)
  return entry !== undefined && 'originalSource' in entry ? entry.originalSource : url
}
