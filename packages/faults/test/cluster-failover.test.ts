import { setTimeout as pause } from 'node:timers/promises'
import { createSessions } from '@sess/core'
import { service } from '@sess/services'
import { type Server, start } from '@sess/services/start'
import { redisStore } from '@sess/store-redis'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keys } from './keys.ts'
import { type ClientName, clients, cluster } from './redis-clients.ts'
import { Traffic } from './traffic.ts'

const LIMIT = 60_000

describe.skipIf(service('redis').missing)('a Cluster master killed under load with sign-outs [needs redis]', () => {
  let servers: Server<'redis-cluster'>
  beforeAll(async () => {
    servers = await start('redis-cluster')
  })
  afterAll(() => servers?.stop())

  // Each client has a master of its own to lose.
  it.each(clients.map((name, master) => [name, master] as const))(
    'brings back nobody who signed out, signs out nobody else, and mixes nobody up, client %s',
    async (name, master) => {
      const { traffic, close } = await load(name, servers.nodes)
      const end = traffic.start(200)
      await traffic.everybodyServed()
      while (traffic.signOuts < 20) await traffic.everybodyServed()
      const before = traffic.signOuts
      // From here on the master acknowledges what it cannot pass on.
      const cutOff = await cutOffReplica(servers, master)
      await pause(600)
      await servers.kill(master)
      process.kill(cutOff, 'SIGCONT')
      const killedAt = performance.now()
      await servedByReplica(servers.nodes, master)
      const failoverMs = performance.now() - killedAt
      servers.revive(master)
      await traffic.everybodyServed(killedAt, LIMIT)
      await allReplicated(servers.nodes)
      await traffic.everybodyServed(killedAt, LIMIT)
      await end()
      await traffic.audit()
      const { counts } = traffic
      counts.print(
        `Cluster master killed, ${name}: failover after ${Math.round(failoverMs)} ms · sign-outs ${before} before, ${traffic.signOuts - before} after the kill`,
      )
      await close()
      expect(counts).toMatchObject({ resurrected: 0, signedOut: 0, twice: 0, mixedUp: 0, untyped: 0 })
      expect(traffic.signOuts).toBeGreaterThan(before)
    },
  )
})

async function load(name: ClientName, nodes: readonly string[]) {
  const [open, reserved] = await Promise.all([cluster[name](nodes), cluster[name](nodes)])
  const store = redisStore(open.client, { replicated: { client: reserved.client, replicas: 1, timeoutMs: 500 } })
  const traffic = new Traffic(createSessions({ store, keys, storeTimeout: 1000 }), { visitors: 120, signOutEvery: 8 })
  return { traffic, close: () => Promise.all([open.close(), reserved.close()]) }
}

/** Freezes the replica of a master and breaks its link. Answers its pid. */
async function cutOffReplica({ nodes, pids }: Server<'redis-cluster'>, master: number): Promise<number> {
  const client = await direct(nodes[master] ?? '')
  const [id = ''] = `${await client.sendCommand(['CLUSTER', 'MYID'])}`.split(' ')
  const line = `${await client.sendCommand(['CLUSTER', 'REPLICAS', id])}`
  const pid = pids[nodes.findIndex((node) => line.includes(` ${node}@`))]
  if (pid === undefined) throw new Error(`no replica in ${line}`)
  process.kill(pid, 'SIGSTOP')
  await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'REPLICA'])
  client.destroy()
  return pid
}

/** Waits until another node answers for the slots of the lost master. */
async function servedByReplica(nodes: readonly string[], lost: number): Promise<void> {
  const witness = await direct(nodes[(lost + 1) % nodes.length] ?? '')
  const address = nodes[lost] ?? ''
  const lines = async () => `${await witness.sendCommand(['CLUSTER', 'NODES'])}`.trim().split('\n')
  const settled = async () => {
    const masters = (await lines()).filter((line) => line.includes('master') && / \d+-\d+/.test(line))
    return masters.length === 3 && masters.every((line) => !line.includes(address))
  }
  await expect.poll(settled, { timeout: LIMIT, interval: 50 }).toBe(true)
  witness.destroy()
}

/** Waits until every master has a replica in sync again. */
async function allReplicated(nodes: readonly string[]): Promise<void> {
  for (const node of nodes) {
    const client = await direct(node)
    const healthy = async () => /role:slave.*master_link_status:up|state=online/s.test(await client.info('replication'))
    await expect.poll(healthy, { timeout: LIMIT, interval: 50 }).toBe(true)
    client.destroy()
  }
}

function direct(node: string) {
  return createClient({ url: `redis://${node}` })
    .on('error', () => {})
    .connect()
}
