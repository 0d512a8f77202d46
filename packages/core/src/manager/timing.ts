import { SessError, type SessErrorCode } from '../errors.ts'
import type { Engine } from './engine.ts'
import { emit, type Loaded } from './load.ts'
import type { Visit } from './visit.ts'

/** Opens a request, and tells whoever listens how long it took and what came of it. */
export function timeOpening(engine: Engine, opening: () => Promise<Loaded>): Promise<Loaded> {
  return engine.hub.hears('opened') ? timed(engine, opening) : opening()
}

async function timed(engine: Engine, opening: () => Promise<Loaded>): Promise<Loaded> {
  const from = performance.now()
  try {
    const loaded = await opening()
    const { record, accepted } = loaded
    emit(engine, 'opened', accepted ? record : null, { outcome: found(loaded), durationMs: performance.now() - from })
    return loaded
  } catch (error) {
    emit(engine, 'opened', null, { outcome: 'failed', durationMs: performance.now() - from })
    throw error
  }
}

/** Carries out a commit, and tells whoever listens how long it took and what came of it. */
export async function timeCommit(visit: Visit, commit: () => Promise<void>): Promise<void> {
  const { engine } = visit
  if (!engine.hub.hears('committed')) return commit()
  const from = performance.now()
  let outcome: SessErrorCode | 'ok' | 'failed' = 'ok'
  try {
    await commit()
  } catch (error) {
    outcome = error instanceof SessError ? error.code : 'failed'
    throw error
  } finally {
    emit(engine, 'committed', visit.record, { outcome, durationMs: performance.now() - from })
  }
}

function found({ accepted, refused, locked, record }: Loaded): 'anonymous' | 'authenticated' | 'locked' | 'refused' {
  if (refused !== null) return 'refused'
  if (!accepted || record?.subject == null) return 'anonymous'
  return locked ? 'locked' : 'authenticated'
}
