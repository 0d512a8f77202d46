/**
 * Session data at rest: one JSON object. Its top-level keys are the unit of merging, so the text is taken apart into
 * key → JSON text without parsing what lies inside.
 */
export type Fragments = Map<string, string>

/** Codes of the characters that shape a document. */
const [QUOTE, COMMA, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x22, 0x2c, 0x7b, 0x7d, 0x5b, 0x5d]

/**
 * Takes a JSON object text apart: one that {@link joinFragments} or `JSON.stringify` wrote. A text that is none has no
 * fragments; whoever reads the data is told.
 */
export function splitFragments(text: string): Fragments {
  const fragments: Fragments = new Map()
  let at = 1
  while (at < text.length - 1) {
    const keyEnd = stringEnd(text, at)
    const valueStart = keyEnd + 1
    const key = text[at] === '"' && text[keyEnd] === ':' ? unquote(text.slice(at, keyEnd)) : null
    if (key === null) return new Map()
    const valueEnd = fragmentEnd(text, valueStart)
    fragments.set(key, text.slice(valueStart, valueEnd))
    at = valueEnd + 1
  }
  return fragments
}

/** The text that a JSON string stands for, or null if it is none. */
function unquote(json: string): string | null {
  try {
    return JSON.parse(json) as string // it begins with a quote
  } catch {
    return null
  }
}

/** Puts fragments together again; no fragments are `''`. */
export function joinFragments(fragments: Fragments): string {
  if (fragments.size === 0) return ''
  const parts: string[] = []
  for (const [key, text] of fragments) parts.push(`${JSON.stringify(key)}:${text}`)
  return `{${parts.join(',')}}`
}

/** Index behind the closing quote of the string that opens at `start`; the text's end if there is none. */
function stringEnd(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1)
  while (quote !== -1 && isEscaped(text, quote)) quote = text.indexOf('"', quote + 1)
  return quote === -1 ? text.length : quote + 1
}

function isEscaped(text: string, quote: number): boolean {
  let slashes = 0
  while (text[quote - 1 - slashes] === '\\') slashes += 1
  return slashes % 2 === 1
}

/** Index of the comma or brace that ends the value starting at `start`. */
function fragmentEnd(text: string, start: number): number {
  let depth = 0
  let at = start
  while (at < text.length) {
    const char = text.charCodeAt(at)
    if (char === QUOTE) {
      at = stringEnd(text, at)
      continue
    }
    if (char === OPEN_BRACE || char === OPEN_BRACKET) depth += 1
    else if (depth === 0 && (char === COMMA || char === CLOSE_BRACE)) return at
    else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) depth -= 1
    at += 1
  }
  return at
}
