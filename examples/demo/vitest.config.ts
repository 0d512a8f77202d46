import { defineProject } from 'vitest/config'
import { preset, services } from '../../vitest.preset.ts'

export default defineProject(
  preset({ ...services('redis', 'postgres', 'mariadb', 'nginx'), typecheck: { enabled: false } }),
)
