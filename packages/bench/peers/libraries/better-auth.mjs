import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'

/** It has no data of one's own, so it is only read. Its sign-in hashes a password, which is another matter; here it does not, so as to begin soon. */
export const library = {
  name: 'better-auth',
  framework: 'hono',
  stores: ['memory'],
  sizes: [100],
  requests: ['read', 'anonymous', 'forged'],
  mount: (_app, { secret }) => {
    const database = memoryAdapter({ user: [], session: [], account: [], verification: [] })
    library.auth = betterAuth({
      database,
      secret,
      baseURL: 'https://shop.example',
      emailAndPassword: { enabled: true, password: { hash: async (text) => text, verify: async () => true } },
      logger: { disabled: true },
      rateLimit: { enabled: false },
      telemetry: { enabled: false },
    })
  },
  async read(c) {
    const found = await library.auth.api.getSession({ headers: c.req.raw.headers })
    return { user: found?.user }
  },
  async signIn(c, { user }) {
    const email = `${crypto.randomUUID()}@shop.example`
    const body = { email, password: 'correct horse battery', name: user.name }
    const { headers } = await library.auth.api.signUpEmail({ body, returnHeaders: true })
    for (const cookie of headers.getSetCookie()) c.header('set-cookie', cookie, { append: true })
  },
}
