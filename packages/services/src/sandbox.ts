import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { chownSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The unprivileged account that a server runs as when the tests run as root. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

const START_LIMIT_MS = 60_000
const STOP_LIMIT_MS = 5000

let keeper: ChildProcess | undefined

/** Tells the keeper what to clear away should this process vanish. */
function announce(line: string): void {
  if (keeper === undefined || keeper.exitCode !== null) {
    const script = fileURLToPath(new URL('./keeper.mjs', import.meta.url))
    keeper = spawn(process.execPath, [script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
    keeper.unref()
    // A pipe to a child is a socket, which would otherwise keep this process running.
    if (keeper.stdin !== null && 'unref' in keeper.stdin && typeof keeper.stdin.unref === 'function')
      keeper.stdin.unref()
    keeper.stdin?.on('error', () => {})
  }
  keeper.stdin?.write(`${line}\n`)
}

interface Child {
  readonly child: ChildProcess
  readonly command: string
  readonly args: readonly string[]
  readonly log: string
  readonly stop: NodeJS.Signals
}

/** A temporary folder and the processes that run in it. */
export class Sandbox {
  readonly folder: string
  readonly #account: Account | undefined
  readonly #children: Child[] = []

  constructor(name: string, account?: Account) {
    this.folder = mkdtempSync(join(tmpdir(), `sess-${name}-`))
    announce(`folder ${this.folder}`)
    this.#account = account
    if (account !== undefined) chownSync(this.folder, account.uid, account.gid)
  }

  get pids(): readonly number[] {
    return this.#children.flatMap(({ child }) => child.pid ?? [])
  }

  /** Runs a command to its end and answers what it printed. Rejects, with that, when it fails. */
  async run(command: string, args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(command, args, {
      cwd: this.folder,
      ...this.#account,
      timeout: START_LIMIT_MS,
    })
    return stdout
  }

  /** Starts a server that `stop` ends; what it prints goes into a file of the folder. */
  spawn(command: string, args: readonly string[], stop: NodeJS.Signals = 'SIGTERM'): void {
    this.#children.push(this.#begin(command, args, stop, this.#children.length))
  }

  /** Ends the `index`-th server with a signal, and waits until it is gone. */
  async kill(index: number, signal: NodeJS.Signals): Promise<void> {
    const { child } = this.#at(index)
    await stopChild(child, signal)
    announce(`-pid ${child.pid}`)
  }

  /** Starts a server that has ended again, with the same arguments and `more`. It may not answer yet. */
  revive(index: number, more: readonly string[] = []): void {
    const { command, args, stop } = this.#at(index)
    this.#children[index] = { ...this.#begin(command, [...args, ...more], stop, index), args }
  }

  #at(index: number): Child {
    const found = this.#children[index]
    if (found === undefined) throw new RangeError(`there is no server ${index}`)
    return found
  }

  #begin(command: string, args: readonly string[], stop: NodeJS.Signals, index: number): Child {
    const log = join(this.folder, `output-${index}.log`)
    const output = openSync(log, 'a')
    const child = spawn(command, args, { cwd: this.folder, ...this.#account, stdio: ['ignore', output, output] })
    closeSync(output)
    child.on('error', () => {})
    child.unref()
    if (child.pid !== undefined) announce(`pid ${child.pid}`)
    return { child, command, args, log, stop }
  }

  /** Waits until `probe` answers true. A probe that rejects counts as false. */
  async until(what: string, probe: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + START_LIMIT_MS
    while (!(await probe().catch(() => false))) {
      const dead = this.#children.find(({ child }) => child.exitCode !== null || child.pid === undefined)
      if (dead !== undefined || Date.now() > end) throw new Error(`${what}: not reached\n${this.#output()}`)
      await pause(25)
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map(({ child, stop }) => stopChild(child, stop)))
    for (const pid of this.pids) announce(`-pid ${pid}`)
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 })
    announce(`-folder ${this.folder}`)
  }

  #output(): string {
    return this.#children.map(({ log }) => readFileSync(log, 'utf8').slice(-2000)).join('\n')
  }
}

async function stopChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  // A test may have frozen it.
  child.kill('SIGCONT')
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
  child.ref()
  await gone
  clearTimeout(timer)
}

/** Below the range from which systems take the ports of outgoing connections: those come and go between look and use. */
const PORTS = { from: 20_000, count: 12_000 }

const taken = new Set<number>()

/** `count` different free ports of 127.0.0.1, none of them given out before. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = PORTS.from + randomInt(PORTS.count)
    if (taken.has(port)) continue
    taken.add(port)
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** A running server: how to reach it, and where it lives. */
export interface Running<Address> {
  readonly address: Address
  readonly sandbox: Sandbox
}

/** Makes a sandbox for `begin`, which answers the address; should that fail, everything it has begun is ended. */
export async function inSandbox<Address>(
  name: string,
  begin: (sandbox: Sandbox) => Promise<Address>,
  account?: Account,
): Promise<Running<Address>> {
  const sandbox = new Sandbox(name, account)
  try {
    return { address: await begin(sandbox), sandbox }
  } catch (error) {
    await sandbox.stop()
    throw error
  }
}
