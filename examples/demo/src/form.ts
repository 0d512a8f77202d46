import type { IncomingMessage } from 'node:http'

/** The fields of a posted form, for servers without a body parser; at most 16 KiB of them. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > LIMIT) throw Object.assign(new Error('The form is too large.'), { status: 413, expose: true })
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}

const LIMIT = 16 * 1024
