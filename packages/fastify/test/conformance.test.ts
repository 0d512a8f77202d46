import { adapterCases, formCases, register } from '@sess/testkit'
import { it } from 'vitest'
import { subject } from './subject.ts'

register([...adapterCases, ...formCases], () => subject, { it: it.concurrent })
