import { defineProject } from 'vitest/config'
import { preset } from '../../vitest.preset.ts'

export default defineProject(preset({ typecheck: { enabled: false } }))
