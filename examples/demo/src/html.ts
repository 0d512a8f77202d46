/** Text that is markup on purpose. Only {@link html} makes it, so nothing from outside can claim to be it. */
export class Html {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

export type Piece = string | number | boolean | null | undefined | Html | readonly Piece[]

/** Markup from a template. Everything put into it is escaped, but for other {@link Html}; `false` and null vanish. */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return new Html(strings.map((text, index) => text + render(pieces[index])).join(''))
}

function render(piece: Piece): string {
  if (piece === null || piece === undefined || typeof piece === 'boolean') return ''
  if (piece instanceof Html) return piece.toString()
  if (typeof piece === 'object') return piece.map(render).join('')
  return String(piece).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
