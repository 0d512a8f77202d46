import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'
import type { tasks } from './worker.ts'

type Tasks = typeof tasks
type Input<T extends keyof Tasks> = Parameters<Tasks[T]>[0]
type Result<T extends keyof Tasks> = Awaited<ReturnType<Tasks[T]>>

/** Application processes on one store. */
export class Workers {
  readonly #folder: string
  readonly #processes: ChildProcess[] = []

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** Bundles the application, inside the package so that its imports resolve. */
  static async bundle(): Promise<Workers> {
    const folder = await mkdtemp(fileURLToPath(new URL('../node_modules/.worker-', import.meta.url)))
    await build({
      entry: [fileURLToPath(new URL('worker.ts', import.meta.url))],
      outDir: folder,
      config: false,
      format: 'esm',
      target: 'node20',
      silent: true,
      external: ['pg', 'redis', 'mysql2', 'libsql'],
      noExternal: [/^@sess\//],
      esbuildOptions: (options) => {
        options.conditions = ['@sess/source']
      },
    })
    return new Workers(folder)
  }

  async start(kind: string, address: string): Promise<Worker> {
    const process = fork(`${this.#folder}/worker.js`, [kind, address])
    this.#processes.push(process)
    await Promise.race([once(process, 'message'), ended(process)])
    return new Worker(process)
  }

  /** Ends the processes. */
  async stop(): Promise<void> {
    const running = this.#processes
      .splice(0)
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
    const gone = running.map((process) => once(process, 'exit'))
    for (const process of running) process.disconnect()
    const timer = setTimeout(() => running.map((process) => process.kill('SIGKILL')), 5000)
    await Promise.all(gone)
    clearTimeout(timer)
  }

  /** Ends the processes and removes the bundle. */
  async remove(): Promise<void> {
    await this.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** One application process. */
export class Worker {
  readonly #process: ChildProcess
  #asked = 0

  constructor(process: ChildProcess) {
    this.#process = process
    process.setMaxListeners(0)
  }

  async ask<T extends keyof Tasks>(task: T, input: Input<T>): Promise<Result<T>> {
    this.#asked += 1
    const id = this.#asked
    this.#process.send({ id, task, input })
    return Promise.race([this.#answer<Result<T>>(id), ended(this.#process)])
  }

  #answer<R>(id: number): Promise<R> {
    return new Promise((resolve, reject) => {
      const receive = (message: { id: number; result: R; error?: string }) => {
        if (message.id !== id) return
        this.#process.off('message', receive)
        if (message.error === undefined) resolve(message.result)
        else reject(new Error(message.error))
      }
      this.#process.on('message', receive)
    })
  }
}

function ended(process: ChildProcess): Promise<never> {
  return new Promise((_, reject) => {
    process.once('exit', (code, signal) => reject(new Error(`the process ended: ${code ?? signal}`)))
  })
}
