import { defineProject } from 'vitest/config'
import { preset, services } from '../../vitest.preset.ts'

const kinds = ['redis', 'redis-pair', 'redis-cluster', 'postgres', 'mariadb', 'nginx'] as const

export default defineProject(preset({ ...services(...kinds), typecheck: { enabled: false } }))
