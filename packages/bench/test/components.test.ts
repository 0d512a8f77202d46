import { expect, it } from 'vitest'
import { type CallTree, componentsOf } from '../src/speed/components.ts'

/** A call of a function in a file, and what it calls; seen at work as often as it says. */
interface Made {
  readonly call: string
  readonly seen?: number
  readonly calls?: readonly Made[]
}

function treeOf(root: Made): CallTree {
  const nodes: CallTree['nodes'] = []
  const samples: number[] = []
  const add = ({ call, seen = 0, calls = [] }: Made): number => {
    const [url = '', functionName = ''] = call.split('#')
    const id = nodes.length + 1
    const callFrame = { functionName, url, scriptId: '1', lineNumber: 0, columnNumber: 0 }
    const node = { id, callFrame, children: [] as number[] }
    nodes.push(node)
    samples.push(...Array.from({ length: seen }, () => id))
    node.children.push(...calls.map(add))
    return id
  }
  add(root)
  return { nodes, samples }
}

const core = 'file:///sess/packages/core/src'

it('counts what Node does for whoever called it, and idling for nobody', () => {
  const hmac = { call: `${core}/crypto/digest-node.ts#hmac`, seen: 1, calls: [{ call: '#init', seen: 4 }] }
  const load = { call: `${core}/manager/load.ts#load`, seen: 2, calls: [hmac] }
  const root = {
    call: '#(root)',
    calls: [load, { call: '#(garbage collector)', seen: 3 }, { call: '#(idle)', seen: 50 }],
  }
  expect(Object.fromEntries(componentsOf(treeOf(root)))).toEqual({
    'session and commit': 2,
    'token: HMAC, SHA-256': 5,
    'promises, collection, the rest': 3,
  })
})

it('counts the writing of the answer for the app, but for what it asks the session', () => {
  const header = {
    call: 'file:///sess/packages/node/src/node.ts#set',
    calls: [{ call: 'node:_http_outgoing#setHeader', seen: 1 }],
  }
  const headers = { call: `${core}/http/headers.ts#applyHeaders`, seen: 1, calls: [header] }
  const held = { call: 'file:///sess/packages/node/src/held-response.ts#call', seen: 3, calls: [headers] }
  const end = { call: 'node:_http_outgoing#end', seen: 7, calls: [{ call: 'node:events#emit', seen: 2 }, held] }
  const root = { call: '#(root)', calls: [{ ...held, calls: [end] }] }
  expect(Object.fromEntries(componentsOf(treeOf(root)))).toEqual({
    'hold of the response': 6,
    'framework, app and Node': 9,
    'cookie and headers': 2,
  })
})
