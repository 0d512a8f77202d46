import { type AddressInfo, connect, createServer } from 'node:net'

/** What went to a Redis server. */
export interface Traffic {
  commands: number
  /** Answers that had to be waited for: pieces that came after an answer. */
  trips: number
  bytes: number
}

/** A way to a Redis server that counts. Meant for one request at a time. */
export interface Tap {
  readonly url: string
  readonly traffic: Traffic
  close(): Promise<void>
}

/** Stands between a client and the Redis server at `url`. */
export async function tap(url: string): Promise<Tap> {
  const traffic: Traffic = { commands: 0, trips: 0, bytes: 0 }
  const { hostname, port } = new URL(url)
  const server = createServer((client) => {
    const redis = connect(Number(port), hostname)
    let waits = false
    const commands = commandCounter()
    client.on('data', (chunk) => {
      traffic.bytes += chunk.length
      traffic.commands += commands(chunk)
      if (!waits) traffic.trips += 1
      waits = true
      redis.write(chunk)
    })
    redis.on('data', (chunk) => {
      traffic.bytes += chunk.length
      waits = false
      client.write(chunk)
    })
    for (const end of [client, redis])
      end.on('error', () => {}).on('close', () => [client, redis].map((other) => other.destroy()))
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  // A server that listens on a port has such an address.
  const address = server.address() as AddressInfo
  return {
    url: `redis://127.0.0.1:${address.port}`,
    traffic,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  }
}

/** Counts the commands in what a client sends: each is an array of strings, whose lengths are announced. */
function commandCounter(): (chunk: Buffer) => number {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let [found, end] = [0, commandEnd(rest)]
    while (end > 0) {
      found += 1
      rest = rest.subarray(end)
      end = commandEnd(rest)
    }
    return found
  }
}

/** Where the first command ends; 0 if it does not yet. */
function commandEnd(bytes: Buffer): number {
  const number = (at: number): readonly [value: number, next: number] => {
    const end = bytes.indexOf('\r\n', at)
    return end === -1 ? [Number.NaN, 0] : [Number(bytes.toString('latin1', at + 1, end)), end + 2]
  }
  let [parts, at] = number(0)
  for (; parts > 0; parts -= 1) {
    const [length, next] = number(at)
    if (Number.isNaN(length)) return 0
    at = next + length + 2
  }
  return Number.isNaN(parts) || at > bytes.length ? 0 : at
}
