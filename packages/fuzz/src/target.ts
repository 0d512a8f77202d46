import fc from 'fast-check'

/** Something that takes input from outside. `run` throws, or rejects, where a promise is broken. */
export interface Target<Input = unknown> {
  readonly name: string
  /** How many of a million inputs it gets. */
  readonly share: number
  readonly inputs: fc.Arbitrary<Input>
  readonly run: (input: Input) => void | Promise<void>
  /** One input of about this many characters, all of one piece: where time that is not linear shows. Absent: bounded otherwise. */
  readonly repeated?: (piece: string, length: number) => Input
}

/** A target among others, whose inputs nobody else looks at. */
export function target<Input>(definition: Target<Input>): Target {
  return definition as Target
}

/** Throws unless a promise is kept. */
export function check(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new Error(`not so: ${claim}`)
}

type Edit = readonly [where: number, length: number, piece: string]

/**
 * Texts near what is expected: whole ones of the corpus, and those with a few places cut out, doubled or replaced by pieces
 * that mean something, or by any characters.
 */
export function near(seeds: readonly string[], pieces: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...pieces) },
    { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 3 }) },
    { weight: 1, arbitrary: fc.constantFrom(...seeds) },
  )
  const edit: fc.Arbitrary<Edit> = fc.tuple(fc.nat({ max: 999 }), fc.nat({ max: 4 }), piece)
  return fc.tuple(fc.constantFrom(...seeds), fc.array(edit, { maxLength: 5 })).map(([seed, edits]) => {
    let text = seed
    for (const [where, length, put] of edits) {
      const at = Math.floor((where / 1000) * (text.length + 1))
      text = text.slice(0, at) + put + text.slice(at + length)
    }
    return text
  })
}
