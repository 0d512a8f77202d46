import type { Profiler } from 'node:inspector'
import { findSourceMap } from 'node:module'

/** What the profiler brings home: a tree of calls, and in which of them it was each time it looked. */
export type CallTree = Pick<Profiler.Profile, 'nodes' | 'samples'>
type Call = CallTree['nodes'][number]

const APP = 'framework, app and Node'
const REST = 'promises, collection, the rest'
const IDLE = '(idle)'

/** What a read is made of, in the order of the table, and the calls that belong to it, as `file#function`; the first that fits. */
const COMPONENTS: readonly (readonly [name: string, calls: RegExp])[] = [
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
  ['cookie and headers', /\/core\/src\/http\/|\/(?:node|fastify|hono)\/src\/\w+\.ts#(?:get|set|append)$/],
  ['hold of the response', /\/node\/src\/(?:hold|held-response|node-response)\.|\/node\/src\/node\.ts#holdSession$/],
  ['adapter', /\/(?:node|express|koa|fastify|hono)\/src\//],
  // Writing the answer is the app's own business, whoever stands in between.
  [APP, /\/bench\/|^node:_http_(?:outgoing|server)#(?:end|write|writeHead|_implicitHeader)/],
]

/** The components in the order of the table. */
export const COMPONENT_NAMES: readonly string[] = [...COMPONENTS.map(([name]) => name), REST]

/** How often each component was seen at work. What Node and V8 do counts for whoever called them. */
export function componentsOf({ nodes, samples = [] }: CallTree): Map<string, number> {
  const calls = new Map(nodes.map((call) => [call.id, call]))
  const names = new Map<number, string>()
  const name = (call: Call | undefined, caller: string): void => {
    if (call === undefined) return
    const own = componentOf(call) ?? caller
    names.set(call.id, own)
    for (const id of call.children ?? []) name(calls.get(id), own)
  }
  name(nodes[0], REST)
  const seen = new Map<string, number>()
  for (const id of samples) {
    const component = names.get(id) ?? REST
    if (component !== IDLE) seen.set(component, (seen.get(component) ?? 0) + 1)
  }
  return seen
}

function componentOf({ callFrame }: Call): string | undefined {
  const { functionName } = callFrame
  if (functionName === IDLE) return IDLE
  const place = `${fileOf(callFrame)}#${functionName}`
  return COMPONENTS.find(([, calls]) => calls.test(place))?.[0]
}

/** The file that a function was written in. */
function fileOf({ url, lineNumber, columnNumber }: Call['callFrame']): string {
  // The types say less than there is: an entry, or an empty object where nothing is known.
  const entry = findSourceMap(url)?.findEntry(lineNumber, columnNumber) as { originalSource?: string } | undefined
  return entry?.originalSource ?? url
}
