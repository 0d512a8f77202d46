import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const keeper = fileURLToPath(new URL('../src/keeper.mjs', import.meta.url))
const idle = () => spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
const temporary = () => mkdtempSync(join(tmpdir(), 'sess-keeper-'))

describe('the keeper, when the run that started it is gone', () => {
  it('ends the processes and removes the folders it was told of, frozen ones too, and nothing that was taken back', async () => {
    const [left, frozen, stopped] = [idle(), idle(), idle()]
    const [leftFolder, keptFolder] = [temporary(), temporary()]
    const run = spawn(process.execPath, [keeper], { stdio: ['pipe', 'ignore', 'inherit'] })
    frozen.kill('SIGSTOP')
    const ended = Promise.all([once(left, 'exit'), once(frozen, 'exit'), once(run, 'exit')])
    run.stdin.end(
      [`pid ${left.pid}`, `pid ${frozen.pid}`, `pid ${stopped.pid}`, `folder ${leftFolder}`, `folder ${keptFolder}`]
        .concat([`-pid ${stopped.pid}`, `-folder ${keptFolder}`, ''])
        .join('\n'),
    )
    await ended
    expect([existsSync(leftFolder), existsSync(keptFolder)]).toEqual([false, true])
    expect([stopped.exitCode, stopped.signalCode]).toEqual([null, null])
    rmdirSync(keptFolder)
    stopped.kill()
    await once(stopped, 'exit')
  })
})
