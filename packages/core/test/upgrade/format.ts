/** Every place in the values, and the kinds of what stands there: `auth.methods[]` → `string`. */
export function formatOf(values: readonly unknown[]): Record<string, string> {
  const kinds = new Map<string, Set<string>>()
  for (const value of values) note(value, '', kinds)
  const sorted = [...kinds].sort(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(sorted.map(([place, found]) => [place, [...found].sort().join(' | ')]))
}

function note(value: unknown, place: string, kinds: Map<string, Set<string>>): void {
  if (Array.isArray(value)) {
    for (const item of value) note(item, `${place}[]`, kinds)
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) note(item, place === '' ? key : `${place}.${key}`, kinds)
    return
  }
  const known = kinds.get(place) ?? new Set()
  kinds.set(place, known.add(kindOf(value)))
}

/** Texts of fixed make are told apart: digests by their length, revisions by their look. */
function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  if (typeof value !== 'string') return typeof value
  if (/^(?:[A-Za-z0-9_-]{16}|[A-Za-z0-9_-]{43})$/.test(value)) return `digest of ${value.length}`
  if (/^\d+\.[A-Za-z0-9_-]+$/.test(value)) return `n.random of ${value.length - value.indexOf('.') - 1}`
  return /^(?:4|6|asn|country)\.[A-Za-z0-9_-]+$/.test(value) ? 'place' : 'text'
}
