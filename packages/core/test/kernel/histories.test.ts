import { describe, it } from 'vitest'
import { properties } from './histories.ts'

const runs = Number(process.env.PROPERTY_RUNS ?? 3000)

describe('a session from its issue to its end', () => {
  it.each(Object.keys(properties))('%s', (title) => {
    properties[title]?.(runs)
  })
})
