import type { Readable } from 'node:stream'

/** What a server sends back, whichever framework it is written in. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Readable
}

export function json(value: unknown, status = 200): Reply {
  return { status, headers: { 'Content-Type': 'application/json; charset=utf-8' }, body: JSON.stringify(value) }
}

/** After a form was posted: the browser gets the page anew, and reloading it posts nothing again. */
export function seeOther(location: string): Reply {
  return { status: 303, headers: { Location: location }, body: '' }
}

export function wantsJson(headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
  return String(headers.accept ?? '').includes('application/json')
}
