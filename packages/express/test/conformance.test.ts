import { adapterCases, formCases, register } from '@sess/testkit'
import type express5 from 'express'
import express4 from 'express4'
import { describe, it } from 'vitest'
import { subject } from './subject.ts'

const cases = [...adapterCases, ...formCases]

describe('Express 5', () => register(cases, () => subject(), { it: it.concurrent }))
// Its types differ from those of 5 where this does not look.
describe('Express 4', () =>
  register(cases, () => subject(express4 as unknown as typeof express5), { it: it.concurrent }))
