import { memoryStore } from '@sess/core'
import { expect, it } from 'vitest'
import { adapterCases, UnreliableStore } from '../src/index.ts'
import { reference } from './reference.ts'

it('runs adapter cases on the store of the subject', async () => {
  const stores: UnreliableStore[] = []
  const store = (): UnreliableStore => {
    stores.push(new UnreliableStore(memoryStore()))
    return stores.at(-1)!
  }
  const signOut = adapterCases.find(({ id }) => id === 'adapter/sign-out/replay')!
  await signOut.run({ ...reference(), store })
  await signOut.run({ ...reference(), store })
  expect(stores.map(({ calls }) => calls.create)).toEqual([1, 1])
})
