import { it } from 'vitest'
import { adapterCases, formCases, register } from '../src/index.ts'
import { reference } from './reference.ts'

register([...adapterCases, ...formCases], () => reference(), { it: it.concurrent })
