import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { type Kind, service } from '../src/index.ts'
import { start } from '../src/start.ts'

const kinds: readonly Kind[] = ['redis', 'redis-pair', 'redis-cluster', 'postgres', 'mariadb', 'nginx']

describe.each(kinds)('%s, shared by the tests', (kind) => {
  const { missing, url, replica, nodes, pids } = { replica: '', nodes: [], url: '', ...service(kind) }
  const addresses = [url, replica, ...nodes].filter((address) => address !== '')

  it.skipIf(missing)(`listens on loopback under every address [needs ${kind}]`, async () => {
    expect(addresses.length).toBe(kind === 'redis-cluster' ? 6 : kind === 'redis-pair' ? 2 : 1)
    for (const address of addresses) expect(await listens(address), address).toBe(true)
    expect(pids.every(isRunning)).toBe(true)
  })
})

describe('a server of one’s own', () => {
  it.skipIf(service('redis').missing)('is another one, and is gone after stop() [needs redis]', async () => {
    const server = await start('redis')
    expect(server.url).not.toBe(service('redis').url)
    expect(await listens(server.url)).toBe(true)
    await server.stop()
    expect(await listens(server.url)).toBe(false)
    expect(server.pids.some(isRunning)).toBe(false)
  })

  it.skipIf(service('redis').missing)('ends although it was frozen [needs redis]', async () => {
    const server = await start('redis')
    for (const pid of server.pids) process.kill(pid, 'SIGSTOP')
    await server.stop()
    expect(server.pids.some(isRunning)).toBe(false)
  })
})

describe('a server that is killed', () => {
  it.skipIf(service('redis').missing)('comes back at its address, as another process [needs redis]', async () => {
    const server = await start('redis')
    const [first = 0] = server.pids
    await server.kill()
    expect([isRunning(first), await listens(server.url)]).toEqual([false, false])
    server.revive()
    await expect.poll(() => listens(server.url), { timeout: 10_000 }).toBe(true)
    expect(server.pids).not.toContain(first)
    await server.stop()
    expect(server.pids.some(isRunning)).toBe(false)
  })
})

describe('service()', () => {
  it('throws for what the configuration does not ask for', () => {
    // Not a kind: what a typing error would give.
    expect(() => service('oracle' as Kind)).toThrow("services('oracle')")
  })
})

async function listens(address: string): Promise<boolean> {
  const { hostname, port } = new URL(address.includes('://') ? address : `tcp://${address}`)
  const socket = connect(Number(port), hostname)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
