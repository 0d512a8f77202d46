// Ends what a test run has left behind. Standard input closes when that run's process is gone, however it went (Ctrl-C,
// SIGKILL, a crash); then every process and folder announced and not taken back is removed. Lines: `pid <n>`,
// `folder <path>`, and the same with a leading `-` to take it back.
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'

/** @type {Set<string>} */
const kept = new Set()

/** @param {NodeJS.Signals} signal */
function signalAll(signal) {
  for (const entry of kept) {
    if (!entry.startsWith('pid ')) continue
    try {
      process.kill(Number(entry.slice(4)), signal)
    } catch {
      kept.delete(entry)
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith('-')) kept.delete(line.slice(1))
  else kept.add(line)
}
for (const signal of /** @type {const} */ (['SIGCONT', 'SIGTERM', 'SIGKILL'])) {
  signalAll(signal)
  if (signal === 'SIGTERM' && [...kept].some((entry) => entry.startsWith('pid '))) await setTimeout(2000)
}
for (const entry of kept) {
  if (entry.startsWith('folder ')) rmSync(entry.slice(7), { recursive: true, force: true, maxRetries: 3 })
}
