import type { Script } from './scripts.ts'

/** What a script is given by `redis`. */
type ScriptInput = { keys: string[]; arguments: string[] }

/** A client of `redis` 5 or 6: `createClient()`, `createClientPool()`, `createCluster()` or `createSentinel()`. */
export interface NodeRedisClient {
  evalSha(sha1: string, input: ScriptInput): Promise<unknown>
  eval(script: string, input: ScriptInput): Promise<unknown>
}

/** A client of `ioredis` 5 or 6: `new Redis()` or `new Cluster()`. */
export interface IoredisClient {
  evalsha(sha1: string, keyCount: number, ...input: string[]): Promise<unknown>
  eval(script: string, keyCount: number, ...input: string[]): Promise<unknown>
}

/** The client you have; the store neither connects nor closes it. */
export type RedisClient = NodeRedisClient | IoredisClient

interface Pipeline {
  eval(script: string, input: ScriptInput): Pipeline
  wait(replicas: number, ms: number): Pipeline
  execAsPipeline(): Promise<unknown>
}

/** A {@link RedisClient} as replicated writes need it; any of the above but a pool of `redis`, which has its own type. */
export type ReservableClient =
  | (NodeRedisClient & { multi(): Pipeline })
  | (IoredisClient & { pipeline(commands: unknown[][]): { exec(): Promise<[Error | null, unknown][] | null> } })

type Tell = (message: string) => void

/** A {@link RedisClient} as the feed of endings needs it; any of the above but a pool of `redis`, which cannot subscribe. */
export type SubscribingClient =
  | (NodeRedisClient & { subscribe(channel: string, listener: Tell): Promise<unknown> })
  | (IoredisClient & {
      subscribe(channel: string): Promise<unknown>
      on(event: 'message', listener: (channel: string, message: string) => void): unknown
    })

/** Runs a script; only a server that does not know it yet is sent its text, and then remembers it. */
export async function run(client: RedisClient, script: Script, keys: string[], args: string[]): Promise<unknown> {
  try {
    return await send(client, 'evalsha', script.sha1, keys, args)
  } catch (error) {
    if (!isReply(error, 'NOSCRIPT')) throw error
    return send(client, 'eval', script.text, keys, args)
  }
}

function send(client: RedisClient, name: 'eval' | 'evalsha', code: string, keys: string[], args: string[]) {
  if (!('evalSha' in client)) return client[name](code, keys.length, ...keys, ...args)
  const input = { keys, arguments: args }
  return name === 'eval' ? client.eval(code, input) : client.evalSha(code, input)
}

/** Runs a script that takes a cursor first and answers the next one and some entries, to the end; some may come twice. */
export async function* pages<Entry>(
  client: RedisClient,
  script: Script,
  keys: string[],
  args: string[] = [],
): AsyncGenerator<Entry[]> {
  let cursor = '0'
  do {
    const reply = await run(client, script, keys, [cursor, ...args])
    const [next, entries] = reply as [string, Entry[]] // The caller knows its script.
    yield entries
    cursor = next
  } while (cursor !== '0')
}

/** What a script answered, and how many replicas have acknowledged what it wrote. */
export type Acknowledged = readonly [reply: unknown, replicas: unknown]

/** Runs a script and WAIT on one connection. Both clients keep a pipeline together, also when they have to connect anew. */
export async function runAndWait(
  client: ReservableClient,
  { text }: Script,
  key: string,
  args: string[],
  wait: readonly [replicas: number, ms: number],
): Promise<Acknowledged> {
  if ('evalSha' in client) {
    const pipeline = client.multi().eval(text, { keys: [key], arguments: args })
    // One answer per command.
    return (await pipeline.wait(...wait).execAsPipeline()) as Acknowledged
  }
  const commands = [
    ['eval', text, 1, key, ...args],
    ['wait', ...wait],
  ]
  const answers = (await client.pipeline(commands).exec()) ?? []
  for (const [error] of answers) if (error !== null) throw error
  return [answers[0]?.[1], answers[1]?.[1]]
}

/** Prepares a subscription and answers what makes it. Once made, both clients renew it by themselves on a new connection. */
export function subscription(client: SubscribingClient, channel: string, tell: Tell): () => Promise<unknown> {
  if ('evalSha' in client) return () => client.subscribe(channel, tell)
  client.on('message', (from, message) => {
    if (from === channel) tell(message)
  })
  return () => client.subscribe(channel)
}

/** Whether Redis answered with an error: then the command was not carried out. */
export function isReply(error: unknown, code = '[A-Z]+'): boolean {
  return error instanceof Error && new RegExp(`^${code}( |$)`).test(error.message)
}
