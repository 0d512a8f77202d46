import { it } from 'vitest'
import { adapterCases, register } from '../src/index.ts'
import { reference } from './reference.ts'

register(adapterCases, () => reference(), { it: it.concurrent })
