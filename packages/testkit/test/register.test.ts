import { describe, expect, it } from 'vitest'
import { type Case, type RegisterOptions, register, type TestFunction } from '../src/index.ts'

interface Counter {
  readonly count: number
}

const good: Case<Counter> = { id: 'kit/good', title: 'holds', level: 'must', run: async () => {} }
const bad: Case<Counter> = {
  id: 'kit/bad',
  title: 'does not hold',
  level: 'should',
  run: async ({ count }) => {
    throw new Error(`failed on subject ${count}`)
  },
}

describe('register', () => {
  it('gives the runner one test per case, named id and title', () => {
    const { it, tests } = runner()
    register([good, bad], () => ({ count: 1 }), { it })
    expect([...tests.keys()]).toEqual(['kit/good: holds', 'kit/bad: does not hold'])
  })

  it('opens nothing before a case runs', () => {
    const { it } = runner()
    let opened = 0
    register([good], () => ({ count: ++opened }), { it })
    expect(opened).toBe(0)
  })

  it('gives each case a subject of its own and closes it, when the case fails too', async () => {
    const { it, tests } = runner()
    const closed: number[] = []
    let count = 0
    const open = async () => {
      count += 1
      const own = count
      return { count: own, close: async () => void closed.push(own) }
    }
    register([good, bad], open, { it })
    await tests.get('kit/good: holds')?.()
    await expect(tests.get('kit/bad: does not hold')?.()).rejects.toThrow('failed on subject 2')
    expect(closed).toEqual([1, 2])
  })

  it('fails when the subject cannot be closed, and says so unless the case has failed before', async () => {
    const { it, tests } = runner()
    const close = () => {
      throw new Error('cannot close')
    }
    register([good, bad], () => ({ count: 1, close }), { it })
    await expect(tests.get('kit/good: holds')?.()).rejects.toThrow('cannot close')
    await expect(tests.get('kit/bad: does not hold')?.()).rejects.toThrow('failed on subject 1')
  })

  it('fails an advisory case like any other', async () => {
    const { it, tests } = runner()
    register([bad], () => ({ count: 1 }), { it })
    await expect(tests.get('kit/bad: does not hold')?.()).rejects.toThrow('failed on subject 1')
  })

  it('skips an exempt case, with id and reason in the title', () => {
    const { it, tests, skipped } = runner()
    register([good, bad], () => ({ count: 1 }), { it, exempt: { 'kit/bad': 'no such disk' } })
    expect([...tests.keys()]).toEqual(['kit/good: holds'])
    expect(skipped).toEqual(['kit/bad: does not hold (exempt: no such disk)'])
  })

  it('skips by ignore where the runner calls it so', () => {
    const { it, skipped } = runner('ignore')
    register([bad], () => ({ count: 1 }), { it, exempt: { 'kit/bad': 'no such disk' } })
    expect(skipped).toEqual(['kit/bad: does not hold (exempt: no such disk)'])
  })

  it.each<[string, Partial<RegisterOptions>, string]>([
    ['an exemption of an unknown case', { exempt: { 'kit/old': 'gone' } }, '`kit/old`, which is no case'],
    ['an exemption named like an inherited property', { exempt: { toString: 'gone' } }, '`toString`, which is no case'],
    ['an exemption without a reason', { exempt: { 'kit/bad': ' ' } }, 'no reason for `kit/bad`'],
    ['a runner that cannot skip', { exempt: { 'kit/bad': 'slow' }, it: () => {} }, 'neither `skip` nor `ignore`'],
  ])('refuses %s', (_, options, message) => {
    const { it } = runner()
    expect(() => register([good, bad], () => ({ count: 1 }), { it, ...options })).toThrow(message)
  })

  it('skips nothing that inherits its name', () => {
    const { it, tests } = runner()
    const odd = { ...good, id: 'constructor' }
    register([odd], () => ({ count: 1 }), { it, exempt: {} })
    expect([...tests.keys()]).toEqual(['constructor: holds'])
  })
})

function runner(word: 'skip' | 'ignore' = 'skip') {
  const tests = new Map<string, () => Promise<void>>()
  const skipped: string[] = []
  const add = (title: string, run: () => Promise<void>) => void tests.set(title, run)
  const it: TestFunction = Object.assign(add, { [word]: (title: string) => skipped.push(title) })
  return { it, tests, skipped }
}
