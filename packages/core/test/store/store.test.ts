import type { Admission, SessionRecord } from '@sess/core'
import { defaultPolicy, issue } from '@sess/core/kernel'
import {
  type Contender,
  columns,
  entriesOf,
  fromRow,
  Listeners,
  placeOf,
  type Row,
  readRetainEnded,
  recordsOf,
  refusing,
  retry,
  rule,
  toValues,
  type Value,
} from '@sess/core/store'
import { afterEach, describe, expect, it, vi } from 'vitest'

afterEach(() => vi.restoreAllMocks())

const record: SessionRecord = issue({ id: 'id', random: 'r', subject: 'ada' }, defaultPolicy, 1000)
const keepAll = () => {}

describe('a record as a row', () => {
  it('comes back as it was, fields of other versions included', () => {
    const later = { ...record, data: '{"n":1}', later: { list: [1] } }
    expect(fromRow(rowOf(toValues(later, keepAll)))).toEqual(later)
    const visitor = { ...record, subject: null }
    expect(fromRow(rowOf(toValues(visitor, keepAll)))).toEqual(visitor)
  })

  it('comes back from bytes, and from numbers of any kind', () => {
    const row = rowOf(toValues({ ...record, subject: 'Zoë' }, keepAll))
    const bytes = (value: unknown) => (typeof value === 'string' ? Buffer.from(value) : value)
    const given = Object.fromEntries(Object.entries(row).map(([column, value]) => [column, bytes(value)]))
    // Columns of a row.
    const read = fromRow({ ...given, created_at: 1000n, last_seen_at: '1000' } as unknown as Row)
    expect(read).toEqual({ ...record, subject: 'Zoë' })
  })

  it('is none where there is no row, or one that keeps a place', () => {
    expect(fromRow(null)).toBe(null)
    expect(fromRow(undefined)).toBe(null)
    const place = rowOf(placeOf(asks()))
    expect(place).toMatchObject({ id: 'new', state: 'reserved', subject: 'ada', created_at: 50, absolute_at: 900 })
    expect(fromRow(place)).toBe(null)
  })

  it('shows text that is stored as it is to whom it is given', () => {
    const refuse = vi.fn()
    toValues({ ...record, data: 'x' }, refuse)
    expect(refuse).toHaveBeenCalledExactlyOnceWith({ subject: 'ada', data: 'x' })
  })
})

describe('text that is not kept', () => {
  it('is refused by the name of its field, without its content', () => {
    const refuse = refusing('someStore', /[\0\p{Surrogate}]/u)
    refuse({ subject: null, data: 'Zoë 👩‍👩‍👧‍👦' })
    expect(() => refuse({ subject: 'se\0cret' })).toThrow(TypeError)
    expect(() => refuse({ subject: 'a', data: 'se\uD800cret' })).toThrow(/^someStore: `data` (?!.*cret)/)
  })
})

describe('readRetainEnded', () => {
  it('is a day by default, and refuses what is no number of ms', () => {
    expect(readRetainEnded('someStore', {})).toBe(86_400_000)
    expect(readRetainEnded('someStore', { retainEndedMs: 0 })).toBe(0)
    for (const retainEndedMs of [-1, Number.NaN]) {
      const config = expect.objectContaining({ code: 'ERR_SESS_CONFIG', message: expect.stringContaining('someStore') })
      expect(() => readRetainEnded('someStore', { retainEndedMs })).toThrow(config)
    }
  })
})

describe('pages', () => {
  it.each([0, 1, 2, 3, 4, 5])('give each of %i rows once, and are asked for no more', async (count) => {
    const all = Array.from({ length: count }, (_, index) => rowOf(toValues({ ...record, id: `${index}` }, keepAll)))
    const read = vi.fn(async (after: Row | undefined) => {
      const from = after === undefined ? 0 : all.indexOf(after) + 1
      return all.slice(from, from + 2)
    })
    expect((await collect(recordsOf(2, read))).map(({ id }) => id)).toEqual(all.map(({ id }) => id))
    expect(read).toHaveBeenCalledTimes(Math.floor(count / 2) + 1)
  })

  it('hold records, and entries for places too', async () => {
    const rows = [rowOf(toValues(record, keepAll)), rowOf(placeOf(asks()))]
    expect(await collect(recordsOf(9, async () => rows))).toEqual([record])
    const entries = [
      { id: 'id', record },
      { id: 'new', record: null },
    ]
    expect(await collect(entriesOf(9, async () => rows))).toEqual(entries)
  })
})

describe('retry', () => {
  const isTransient = (error: unknown) => error === 'again'

  it('runs work again while it fails for a while', async () => {
    const work = vi.fn().mockRejectedValueOnce('again').mockRejectedValueOnce('again').mockReturnValue('done')
    expect(await retry(work, isTransient)).toBe('done')
    expect(work).toHaveBeenCalledTimes(3)
  })

  it('gives up after eight times, and at once for any other failure', async () => {
    const busy = vi.fn().mockRejectedValue('again')
    await expect(retry(busy, isTransient)).rejects.toBe('again')
    expect(busy).toHaveBeenCalledTimes(8)
    const broken = vi.fn().mockImplementation(() => {
      throw new Error('broken')
    })
    await expect(retry(broken, isTransient)).rejects.toThrow('broken')
    expect(broken).toHaveBeenCalledTimes(1)
  })

  it('does not run what nobody waits for', async () => {
    const controller = new AbortController()
    const work = vi.fn().mockImplementation(() => {
      controller.abort()
      throw 'again'
    })
    await expect(retry(work, isTransient, { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' })
    expect(work).toHaveBeenCalledTimes(1)
  })
})

describe('the ruling on an admission', () => {
  const nothing = { evicted: [], forget: [], mark: [], announce: false }

  it('announces the session while there is room', () => {
    expect(rule(asks({ limit: 2 }), [row('a')])).toEqual({ ...nothing, ok: true, announce: true })
    expect(rule(asks({ limit: 1, victims: null }), [])).toEqual({ ...nothing, ok: true, announce: true })
  })

  it('marks those who are named, then the oldest, as many as there are too many', () => {
    const rows = [row('a', { created_at: 3 }), row('b', { created_at: 1 }), row('c', { created_at: 2 }), row('d')]
    const victims = ['nobody', 'd', 'new', 'd']
    const mark = ['d', 'b', 'c']
    expect(rule(asks({ limit: 2, victims }), rows)).toEqual({
      ...nothing,
      ok: true,
      announce: true,
      mark,
      evicted: mark,
    })
  })

  it('refuses where nobody has to go', () => {
    const rows = [row('a'), row('gone', { evicted: 1 })]
    expect(rule(asks({ limit: 1, victims: null }), rows)).toEqual({ ...nothing, ok: false, evicted: ['gone'] })
  })

  it.each<[string, Contender, Partial<Admission>]>([
    ['ended', row('a', { state: 'ended' }), {}],
    ['past its deadline', row('a', { absolute_at: 50 }), {}],
    ['named as not counted', row('a'), { uncounted: ['a', 'nobody'] }],
  ])('does not count what is %s', (_, other, changes) => {
    expect(rule(asks({ victims: null, ...changes }), [other])).toEqual({ ...nothing, ok: true, announce: true })
  })

  it('does not count what is marked, and names it as long as it lives', () => {
    const marked = { evicted: '1' }
    const rows = [row('a', marked), row('b', { ...marked, state: 'ended' }), row('c', { ...marked, absolute_at: 50 })]
    expect(rule(asks(), rows)).toEqual({ ...nothing, ok: true, announce: true, evicted: ['a'] })
  })

  it('forgets what was announced too long ago and never came, unless it is marked', () => {
    const lost = { state: Buffer.from('reserved'), created_at: 9n }
    const rows = [row('a', lost), row('b', { ...lost, created_at: 10 }), row('c', { ...lost, evicted: 1 }), row('d')]
    const answer = rule(asks({ limit: 3, victims: null }), rows)
    expect(answer).toEqual({ ...nothing, ok: true, announce: true, forget: ['a'], evicted: ['c'] })
  })

  it.each(['reserved', 'authenticated', 'ended'])(
    'changes nothing for a session that is there already: %s',
    (state) => {
      const rows = [row('new', { state, evicted: 1 }), row('a'), row('b', { evicted: 1 })]
      expect(rule(asks({ victims: null }), rows)).toEqual({ ...nothing, ok: true, evicted: ['b'] })
    },
  )

  it('announces again what was forgotten', () => {
    const rows = [row('new', { state: 'reserved', created_at: 9 })]
    expect(rule(asks(), rows)).toEqual({ ...nothing, ok: true, announce: true, forget: ['new'] })
  })
})

describe('listeners', () => {
  it('are told, as often as they were added, until they are removed', () => {
    const [onFirst, onLast, listener] = [vi.fn(), vi.fn(), vi.fn()]
    const listeners = new Listeners(onFirst, onLast)
    const remove = [listeners.add(listener), listeners.add(listener)]
    listeners.tell('a')
    expect(listener.mock.calls).toEqual([['a'], ['a']])
    for (const each of [...remove, ...remove]) each()
    listeners.tell('b')
    expect(listener).toHaveBeenCalledTimes(2)
    expect([onFirst.mock.calls.length, onLast.mock.calls.length]).toEqual([1, 1])
    listeners.add(listener)
    expect(onFirst).toHaveBeenCalledTimes(2)
  })

  it('do not suffer from one that throws', () => {
    const said = vi.spyOn(console, 'error').mockReturnValue()
    const listeners = new Listeners()
    const heard: string[] = []
    const remove = listeners.add(() => {
      throw new Error('mine')
    })
    listeners.add((handle) => heard.push(handle))
    listeners.tell('a')
    remove()
    expect(heard).toEqual(['a'])
    expect(said).toHaveBeenCalledExactlyOnceWith(expect.any(String), new Error('mine'))
  })
})

/** A row as a driver gives it, of the values of the columns. */
function rowOf(values: readonly Value[]): Row {
  return Object.fromEntries(columns.map((column, index) => [column, values[index]])) as unknown as Row
}

function row(id: string, changes: Partial<Contender> = {}): Contender {
  return { id, state: 'authenticated', evicted: 0, created_at: 20, absolute_at: 100, ...changes }
}

function asks(changes: Partial<Admission> = {}): Admission {
  const asked = { subject: 'ada', id: 'new', at: 50, deadline: 900, abandonedBefore: 10 }
  return { ...asked, limit: 1, uncounted: [], victims: [], ...changes }
}

async function collect<T>(all: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const each of all) collected.push(each)
  return collected
}
