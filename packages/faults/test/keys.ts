import { createHash } from 'node:crypto'

/** The same in every process of a test. */
export const keys: readonly string[] = [createHash('sha256').update('faults').digest('base64url')]
