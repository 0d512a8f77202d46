import { createSessions, memoryStore, type Preset } from '@sess/core'
import { fingerprintLevels } from '@sess/core/kernel'
import { describe, expect, test } from 'vitest'
import { document, tableBelow } from './documents.ts'
import { read } from './sources.ts'

const fingerprint = document('docs/security/fingerprint.md')
const presets = document('docs/security/presets.md')
const code = (cell = ''): string => /^`'?([^`']*)'?`/.exec(cell)?.[1] ?? ''

describe('docs/security', () => {
  test('fingerprint.md gives the weights that are used', () => {
    const rows = tableBelow(fingerprint, '## What is compared').map(([signal, weight]) => [
      code(signal),
      Number(weight),
    ])
    expect(Object.fromEntries(rows)).toEqual(fingerprintLevels.standard.weights)
    for (const { weights } of Object.values(fingerprintLevels)) expect(weights).toBe(fingerprintLevels.standard.weights)
  })

  test('fingerprint.md names the levels and their thresholds', () => {
    const rows = tableBelow(fingerprint, '## Levels')
    expect(rows.map(([level]) => code(level))).toEqual(['off', ...Object.keys(fingerprintLevels)])
    const { standard, strict } = fingerprintLevels
    expect(rows[2]?.[1]).toContain(`a score of ${standard.lockAt} on`)
    expect(rows[3]?.[1]).toContain(`locks from ${strict.lockAt} on`)
    expect(rows[3]?.[1]).toContain(`from ${strict.endAt} on`)
    expect(fingerprint.text).toContain(`From a score of ${standard.observeAt} on there is an event`)
  })

  test('presets.md gives the defaults and the bounds', () => {
    const rows = tableBelow(presets, '## Presets')
    expect(rows.map(([name]) => code(name))).toEqual(['', 'aal1', 'aal2', 'aal3', 'highValue'])
    for (const [name, idle = '', mostIdle = '', absolute = '', mostAbsolute = ''] of rows) {
      const preset = code(name) as Preset
      const { times } = createSessions({ store: memoryStore(), ...(preset && { preset }) }).describe()
      expect([preset, times.idle.text, times.absolute.text]).toEqual([preset, idle, absolute])
      if (mostIdle !== '')
        expect(problem(preset, { idle: '2h', absolute: mostAbsolute })).toContain(`at most ${mostIdle}`)
      if (mostAbsolute !== '')
        expect(problem(preset, { absolute: '90d', idle: '1m' })).toContain(`at most ${mostAbsolute}`)
    }
  })

  test('presets.md quotes the message of a broken bound', () => {
    expect(read('docs/security/presets.md')).toContain(problem('aal2', { idle: '2h' }))
  })
})

function problem(preset: Preset, options: object): string {
  try {
    createSessions({ store: memoryStore(), preset, ...options })
  } catch (error) {
    return (error as Error).message
  }
  return 'none'
}
