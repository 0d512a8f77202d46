import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { account, programs } from './programs.ts'
import { freePorts, inSandbox, type Running, type Sandbox } from './sandbox.ts'

/**
 * nginx as the proxy in front of an application, with a shared cache. It takes the application's port from the host that is asked
 * for: `port-3000.shop.example`; below `eager.example` it stores answers with a Set-Cookie as well. It tells the application
 * that the client came over https, and clients by `X-Cache` what came out of the cache.
 */
export async function startNginx(): Promise<Running<{ readonly url: string }>> {
  const [nginx = ''] = await programs(['nginx'], 'nginx')
  const start = async (sandbox: Sandbox) => {
    const [port = 0] = await freePorts(1)
    const file = join(sandbox.folder, 'nginx.conf')
    writeFileSync(file, configuration(port), { mode: 0o644 })
    sandbox.spawn(nginx, ['-p', sandbox.folder, '-c', file, '-e', 'stderr'], 'SIGQUIT')
    const url = `http://127.0.0.1:${port}`
    await sandbox.until('nginx answers', async () => (await fetch(url)).status === 404)
    return { url }
  }
  return inSandbox('nginx', start, account('www-data'))
}

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

function configuration(port: number): string {
  return `daemon off;
pid nginx.pid;
worker_processes 1;
error_log stderr error;
events { worker_connections 128; }
http {
  access_log off;
  ${TEMPORARY.map((name) => `${name}_temp_path ${name}_temp;`).join(' ')}
  proxy_cache_path cache keys_zone=pages:1m;
  server { listen 127.0.0.1:${port} default_server; return 404; }
  ${server(port, 'shop', '')}
  ${server(port, 'eager', 'proxy_ignore_headers Set-Cookie;')}
}
`
}

function server(port: number, domain: string, more: string): string {
  return `server {
    listen 127.0.0.1:${port};
    server_name ~^port-(?<upstream>\\d+)\\.${domain}\\.example$;
    location / {
      proxy_pass http://127.0.0.1:$upstream;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_cache pages;
      proxy_cache_key $host$request_uri;
      proxy_cache_valid any 10m;
      ${more}
      add_header X-Cache $upstream_cache_status always;
    }
  }`
}
