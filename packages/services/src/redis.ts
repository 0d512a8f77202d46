import { programs } from './programs.ts'
import { freePorts, inSandbox, type Running, type Sandbox } from './sandbox.ts'

const PACKAGE = 'redis-server'
const REPLICAS = 3
const MASTERS = 3

/** One Redis server in memory only. */
export async function startRedis(): Promise<Running<{ readonly url: string }>> {
  return inSandbox('redis', async (sandbox) => {
    const [port = 0] = await freePorts(1)
    const cli = await serve(sandbox, port)
    await sandbox.until('Redis answers', async () => (await cli('ping')).startsWith('PONG'))
    return { url: url(port) }
  })
}

/** A primary and its replica, in sync. */
export async function startRedisPair(): Promise<Running<{ readonly url: string; readonly replica: string }>> {
  return inSandbox('redis-pair', async (sandbox) => {
    const [primary = 0, replica = 0] = await freePorts(2)
    await serve(sandbox, primary, ['--repl-diskless-sync-delay', '0'])
    const cli = await serve(sandbox, replica, ['--replicaof', `127.0.0.1 ${primary}`])
    await sandbox.until('the replica is in sync', () => isInSync(cli))
    return { url: url(primary), replica: url(replica) }
  })
}

/** Three masters with a replica each. `nodes` are all six, as `host:port`; the masters come first. */
export async function startRedisCluster(): Promise<Running<{ readonly nodes: readonly string[] }>> {
  return inSandbox('redis-cluster', async (sandbox) => {
    const ports = await freePorts(2 * (MASTERS + REPLICAS))
    const nodes = ports.slice(0, MASTERS + REPLICAS)
    const options = (index: number) => [
      ...['--cluster-enabled', 'yes', '--cluster-config-file', `nodes-${index}.conf`, '--cluster-node-timeout', '2000'],
      ...['--cluster-port', String(ports[MASTERS + REPLICAS + index]), '--repl-diskless-sync-delay', '0'],
    ]
    const clis = await Promise.all(nodes.map((port, index) => serve(sandbox, port, options(index))))
    for (const cli of clis)
      await sandbox.until('a Redis Cluster node answers', async () => (await cli('ping')).startsWith('PONG'))
    const addresses = nodes.map((port) => `127.0.0.1:${port}`)
    const replicas = ['--cluster-replicas', String(REPLICAS / MASTERS)]
    await clis[0]?.('--cluster', 'create', ...addresses, ...replicas, '--cluster-yes')
    for (const cli of clis)
      await sandbox.until('the Redis Cluster is complete', async () => isComplete(await cli('cluster', 'info')))
    for (const cli of clis.slice(MASTERS)) await sandbox.until('a replica is in sync', () => isInSync(cli))
    return { nodes: addresses }
  })
}

async function isInSync(replica: Cli): Promise<boolean> {
  return /master_link_status:up/.test(await replica('info', 'replication'))
}

/** As this node sees it: each node comes to its own conclusion, some later than others. */
function isComplete(info: string): boolean {
  return [/cluster_state:ok/, /cluster_slots_ok:16384/, /cluster_known_nodes:6/].every((line) => line.test(info))
}

const url = (port: number) => `redis://127.0.0.1:${port}`

type Cli = (...args: string[]) => Promise<string>

async function serve(sandbox: Sandbox, port: number, options: readonly string[] = []): Promise<Cli> {
  const [server = '', cli = ''] = await programs(['redis-server', 'redis-cli'], PACKAGE)
  sandbox.spawn(server, [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', sandbox.folder],
    ...['--save', '', '--appendonly', 'no', ...options],
  ])
  return (...args) => sandbox.run(cli, ['-h', '127.0.0.1', '-p', String(port), ...args])
}
