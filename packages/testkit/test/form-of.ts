import type { IncomingMessage } from 'node:http'

/** The fields of a body, by the platform's own parsers; undefined for what cannot be parsed. */
export async function formOf(req: IncomingMessage): Promise<unknown> {
  const type = req.headers['content-type'] ?? ''
  const chunks: Uint8Array[] = []
  for await (const chunk of req) chunks.push(chunk)
  const response = new Response(Buffer.concat(chunks), { headers: { 'content-type': type } })
  return (type.startsWith('application/json') ? response.json() : response.formData()).catch(() => undefined)
}
