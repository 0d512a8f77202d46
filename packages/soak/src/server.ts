import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createSessions, memoryStore, type Session, type Sessions } from '@sess/core'
import { sess as expressSess } from '@sess/express'
import { sess as nodeSess } from '@sess/node'
import express from 'express'
import { sample } from './sample.ts'

type Data = Record<string, unknown>

export const kinds = ['node:http', 'Express'] as const
export type Kind = (typeof kinds)[number]

/** Lives are short, so that sessions rotate, idle out, end and are forgotten while it is being watched. */
const open = (): Sessions<Data> =>
  createSessions<Data>({
    store: memoryStore(),
    idle: '20s',
    absolute: '60s',
    rotateEvery: '12s',
    overlap: '12s',
    touchEvery: '1s',
    retainEnded: '5s',
    limit: { perSubject: 5 },
    device: true,
  })

/** Serves one kind of application until it is told to stop; answers each message with a sample. */
export async function serve(kind: Kind): Promise<void> {
  console.warn = () => {} // Advice for developers.
  const sessions = open()
  sessions.on('*', () => {})
  const server =
    kind === 'Express'
      ? viaExpress(sessions)
      : createServer(nodeSess(sessions, (req, res, session) => handle(req, res, session)))
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done)
  })
  process.on('message', () => process.send?.(sample(listenersOf([process, server, ...sockets]))))
  process.send?.({ port: (server.address() as AddressInfo).port })
}

function viaExpress(sessions: Sessions<Data>): Server {
  const app = express()
  app.set('env', 'test') // What is refused is part of the load, and is not logged.
  app.use(expressSess(sessions))
  app.use((req, res) => handle(req, res, sessions.of(req)))
  return createServer(app)
}

async function handle(req: IncomingMessage, res: ServerResponse, session: Session<Data>): Promise<void> {
  const path = req.url ?? ''
  if (path === '/sign-in') session.signIn(`user-${Math.floor(Math.random() * 200)}`)
  if (path === '/sign-out') session.signOut()
  if (path === '/write') session.data.text = 'x'.repeat(Math.random() * 500)
  if (path === '/update') session.update('count', (count) => Number(count ?? 0) + 1)
  if (path === '/flash') session.flash('notice', 'hello')
  if (path === '/take') await session.takeFlash('notice')
  if (path === '/slow') await new Promise((done) => setTimeout(done, 50))
  if (path === '/stream') for (let part = 0; part < 5; part += 1) res.write('part')
  if (path === '/fail') res.statusCode = 500
  res.end(JSON.stringify({ subject: session.subject, keys: Object.keys(session.data).length }))
}

function listenersOf(emitters: readonly NodeJS.EventEmitter[]): number {
  return emitters.reduce(
    (sum, emitter) => sum + emitter.eventNames().reduce((count, name) => count + emitter.listenerCount(name), 0),
    0,
  )
}
