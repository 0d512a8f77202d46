import type { Script } from './scripts.ts'

/** What a script is given by `redis`. */
interface ScriptInput {
  keys: string[]
  arguments: string[]
}

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

/** Runs a script; only a server that does not know it yet is sent its text, and then remembers it. */
export async function run(client: RedisClient, script: Script, key: string, args: string[]): Promise<unknown> {
  const input = { keys: [key], arguments: args }
  try {
    if ('evalSha' in client) return await client.evalSha(script.sha1, input)
    return await client.evalsha(script.sha1, 1, key, ...args)
  } catch (error) {
    if (!isReply(error, 'NOSCRIPT')) throw error
    return 'evalSha' in client ? client.eval(script.text, input) : client.eval(script.text, 1, key, ...args)
  }
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

/** Whether Redis answered with an error: then the command was not carried out. */
export function isReply(error: unknown, code = '[A-Z]+'): boolean {
  return error instanceof Error && new RegExp(`^${code}( |$)`).test(error.message)
}
