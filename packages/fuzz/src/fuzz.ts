import fc from 'fast-check'
import { corpus, pieces } from './corpus.ts'
import { otherSites } from './other-sites.ts'
import { whole } from './sessions.ts'
import type { Target } from './target.ts'
import { texts } from './texts.ts'

export const targets: readonly Target[] = [...texts, ...whole, ...otherSites]

/** An input that takes longer than this, three times in a row, is a finding, in ms. */
const SLOW = 250

/**
 * Runs a target on that many inputs.
 *
 * @throws Error with the input made as small as it goes, and the seed, when a promise is broken or an input is slow
 */
export async function fuzz(target: Target, count: number, seed: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(target.inputs, (input) => quickly(target, input)),
    { numRuns: count, seed },
  )
}

/** A promise only where there is one to wait for: most targets have none, and there are millions of inputs. */
function quickly(target: Target, input: unknown): Promise<void> {
  const begun = performance.now()
  const outcome = target.run(input)
  if (outcome !== undefined) return outcome
  return performance.now() - begun > SLOW ? slow(target, input) : DONE
}

const DONE = Promise.resolve()

async function slow(target: Target, input: unknown): Promise<void> {
  for (let attempt = 0; attempt < 2; attempt += 1) if ((await timeOf(target, input)) <= SLOW) return
  throw new Error(`an input takes longer than ${SLOW} ms`)
}

async function timeOf(target: Target, input: unknown): Promise<number> {
  const begun = performance.now()
  await target.run(input)
  return performance.now() - begun
}

/** How long inputs made of one piece take, in ms: the piece that takes longest, at each length. The best of three. */
export async function growth(
  target: Target,
  lengths: readonly number[],
): Promise<{ piece: string; ms: number[] } | null> {
  const { repeated } = target
  if (repeated === undefined) return null
  let worst = { piece: '', ms: lengths.map(() => 0) }
  for (const piece of everyPiece) {
    const ms: number[] = []
    for (const length of lengths) {
      const input = repeated(piece, length)
      const times = [await timeOf(target, input), await timeOf(target, input), await timeOf(target, input)]
      ms.push(Math.min(...times))
    }
    if ((ms.at(-1) as number) > (worst.ms.at(-1) as number)) worst = { piece, ms }
  }
  return worst
}

const everyPiece: readonly string[] = [
  ...new Set([...Object.values(pieces).flat(), ...Object.values(corpus).flat(), 'x', '{"a":', '"\\', ' sid=', 'sid= ']),
].filter((piece) => piece !== '')
