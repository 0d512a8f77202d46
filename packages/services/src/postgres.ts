import { account, programs } from './programs.ts'
import { freePorts, inSandbox, type Running, type Sandbox } from './sandbox.ts'

/** PostgreSQL, with a role and a database `sess`; the role may do everything, and needs no password. */
export async function startPostgres(): Promise<Running<{ readonly url: string }>> {
  const names = ['initdb', 'postgres', 'createdb']
  const [initdb = '', postgres = '', createdb = ''] = await programs(names, 'postgresql')
  const start = async (sandbox: Sandbox) => {
    const [port = 0] = await freePorts(1)
    await sandbox.run(initdb, ['-D', 'data', '-U', 'sess', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'])
    const settings = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: 'off',
      full_page_writes: 'off',
      shared_buffers: '32MB',
    }
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    sandbox.spawn(postgres, ['-D', 'data', '-p', String(port), ...options], 'SIGQUIT')
    await sandbox.until('PostgreSQL answers', async () => {
      await sandbox.run(createdb, ['-h', '127.0.0.1', '-p', String(port), '-U', 'sess', 'sess'])
      return true
    })
    return { url: `postgres://sess@127.0.0.1:${port}/sess` }
  }
  return inSandbox('postgres', start, account('postgres'))
}
