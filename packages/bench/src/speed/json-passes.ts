import { ourMemory, ourWire } from './ours.ts'
import { dataOf } from './subject.ts'
import { cookiesAfter } from './wire.ts'

/** How many times over 20 KB of data are parsed and encoded when a request changes one small key. */
export interface JsonPasses {
  readonly parsed: number
  readonly encoded: number
}

/** Counts the characters that `JSON.parse` takes and `JSON.stringify` gives. */
export async function jsonPasses(): Promise<JsonPasses> {
  const wire = ourWire(ourMemory(), dataOf)
  const cookie = cookiesAfter('', await wire.peek('/sign-in/20480', ''))
  await wire.peek('/read', cookie)
  const { parse, stringify } = JSON
  const size = stringify(dataOf(20_480)).length
  let [parsed, encoded] = [0, 0]
  JSON.parse = (text: string) => {
    parsed += text.length / size
    return parse(text)
  }
  JSON.stringify = (value: unknown) => {
    const text = stringify(value)
    encoded += (text?.length ?? 0) / size
    return text
  }
  try {
    await wire.send('/write', cookie)
  } finally {
    Object.assign(JSON, { parse, stringify })
  }
  return { parsed: Math.round(parsed * 100) / 100, encoded: Math.round(encoded * 100) / 100 }
}
