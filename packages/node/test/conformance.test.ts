import { adapterCases, formCases, register } from '@sess/testkit'
import { it, vi } from 'vitest'
import { subject } from './subject.ts'

// The default error handler reports what it answers with 500 and above.
vi.spyOn(console, 'error').mockReturnValue()
register([...adapterCases, ...formCases], () => subject, { it: it.concurrent })
