import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createSessions, memoryStore, type SessEvent, type Sessions } from '@sess/core'
import { publishEvents } from '@sess/node'
import { afterEach, expect, test } from 'vitest'

const heard: [channel: string, event: SessEvent][] = []
const channels = ['sess:signed-in', 'sess:ended', 'sess:opened'] as const
const hear = (event: unknown, name: string | symbol): void => void heard.push([String(name), event as SessEvent])
for (const name of channels) subscribe(name, hear)

afterEach(() => void heard.splice(0))

async function live(sessions: Sessions): Promise<void> {
  const session = await sessions.open({ cookie: '' })
  session.signIn('ada')
  await session.commit()
  session.signOut()
  await session.commit()
  await sessions.flushEvents()
}

test('publishes each event on the channel of its type, until it is stopped', async () => {
  const sessions = createSessions({ store: memoryStore() })
  const stop = publishEvents(sessions)
  await live(sessions)
  expect(heard).toMatchObject([
    ['sess:signed-in', { type: 'signed-in', subject: 'ada' }],
    ['sess:ended', { type: 'ended', reason: 'signed-out', subject: 'ada' }],
  ])
  stop()
  await live(sessions)
  expect(heard).toHaveLength(2)
})

test('publishes the types that were asked for', async () => {
  const sessions = createSessions({ store: memoryStore() })
  const stop = publishEvents(sessions, 'opened', 'ended')
  await live(sessions)
  expect(heard.map(([name]) => name)).toEqual(['sess:opened', 'sess:ended'])
  stop()
})

test('is silent where nobody subscribes', async () => {
  const sessions = createSessions({ store: memoryStore() })
  for (const name of channels) unsubscribe(name, hear)
  const stop = publishEvents(sessions)
  await live(sessions)
  expect(heard).toEqual([])
  stop()
})
