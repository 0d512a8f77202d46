import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { account, programs } from './programs.ts'
import { freePorts, inSandbox, type Running, type Sandbox } from './sandbox.ts'

const SETUP = `
CREATE DATABASE sess CHARACTER SET utf8mb4;
CREATE USER sess@'%';
GRANT ALL PRIVILEGES ON *.* TO sess@'%' WITH GRANT OPTION;
`

/** MariaDB, with a user and a database `sess`; the user may do everything, and needs no password. */
export async function startMariadb(): Promise<Running<{ readonly url: string }>> {
  const [server = ''] = await programs(['mariadbd'], 'mariadb-server')
  const [install = ''] = await programs(['mariadb-install-db'], 'mariadb-server')
  const start = async (sandbox: Sandbox) => {
    const [port = 0] = await freePorts(1)
    const data = ['--no-defaults', `--datadir=${join(sandbox.folder, 'data')}`]
    await sandbox.run(install, [...data, '--auth-root-authentication-method=normal', '--skip-test-db'])
    const setup = join(sandbox.folder, 'setup.sql')
    writeFileSync(setup, SETUP, { mode: 0o644 })
    sandbox.spawn(server, [
      ...data,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      `--socket=${join(sandbox.folder, 'socket')}`,
      `--init-file=${setup}`,
      '--innodb-flush-log-at-trx-commit=0',
    ])
    await sandbox.until('MariaDB answers', () => greets(port))
    return { url: `mysql://sess@127.0.0.1:${port}/sess` }
  }
  return inSandbox('mariadb', start, account('mysql'))
}

/** MariaDB speaks first, once it is ready. */
async function greets(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'data')
    return true
  } finally {
    socket.destroy()
  }
}
