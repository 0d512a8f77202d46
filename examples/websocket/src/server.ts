import { createServer, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { CsrfError, createSessions, memoryStore, type Session, type SessionsOptions } from '@sess/core'
import { openUpgrade, sess } from '@sess/node'
import { type WebSocket, WebSocketServer } from 'ws'

/** Close codes from 4000 on are the application's own. */
const SIGNED_OUT = 4401

const page = `<!doctype html><title>sess: WebSocket and event stream</title>
<form method="post" action="/sign-in"><button>Sign in</button></form>
<form method="post" action="/sign-out"><button>Sign out</button></form>
<form method="post" action="/sign-out-everywhere"><button>Sign out everywhere</button></form>
<pre id="log"></pre>
<script>
  const log = (text) => document.querySelector('#log').append(text + '\\n')
  const socket = new WebSocket(location.origin.replace('http', 'ws'))
  socket.onmessage = (event) => log('socket: ' + event.data)
  socket.onclose = (event) => log('socket closed: ' + event.code + ' ' + event.reason)
  const stream = new EventSource('/stream')
  stream.onmessage = (event) => log('stream: ' + event.data)
  stream.addEventListener('over', (event) => { stream.close(); log('stream over: ' + event.data) })
  stream.onerror = () => stream.readyState === EventSource.CLOSED && log('no stream: signed out')
</script>`

/** A server whose sockets and streams belong to a session, and close within a second when it is over, wherever it ends. */
export function createSocketServer(options: SessionsOptions = { store: memoryStore() }): Server {
  const sessions = createSessions(options)
  const upgrades = new WebSocketServer({ noServer: true })

  const server = createServer(
    sess(sessions, async (req, res, session) => {
      if (req.url === '/stream') return stream(res, session)
      if (req.method === 'GET') return res.setHeader('Content-Type', 'text/html').end(page)
      if (req.url === '/sign-in') session.signIn('alice')
      if (req.url === '/sign-out') session.signOut()
      if (req.url === '/sign-out-everywhere' && session.subject !== null) await sessions.endAll(session.subject)
      return res.writeHead(303, { Location: '/' }).end()
    }),
  )

  server.on('upgrade', async (req, socket, head) => {
    try {
      // Browsers let any site open a WebSocket, and send the cookies of this one along: a foreign Origin is refused here.
      const session = await openUpgrade(sessions, req)
      if (session.subject === null) return refuse(socket, '401 Unauthorized')
      upgrades.handleUpgrade(req, socket, head, (connection) => accept(connection, session))
    } catch (error) {
      refuse(socket, error instanceof CsrfError ? '403 Forbidden' : '503 Service Unavailable')
    }
  })

  /** An open socket counts as activity here: whoever has one does not idle. */
  function accept(connection: WebSocket, { handle, subject }: Session): void {
    const close = (reason: string) => connection.close(SIGNED_OUT, reason)
    const stop = sessions.onEnded(String(handle), ({ reason }) => close(reason), { keepAlive: true })
    connection.once('close', stop)
    connection.send(`Hello ${subject}`)
  }

  return server
}

/** Server-sent events, for as long as the session may act. */
function stream(res: ServerResponse, { subject, signal }: Session): void {
  if (subject === null) return void res.writeHead(204).end() // tells an EventSource not to come again
  res.writeHead(200, { 'Content-Type': 'text/event-stream' })
  res.write(`data: Hello ${subject}\n\n`)
  const over = () => res.end(`event: over\ndata: ${signal.reason.ending.reason}\n\n`)
  signal.addEventListener('abort', over)
  res.once('close', () => signal.removeEventListener('abort', over))
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`)
}
