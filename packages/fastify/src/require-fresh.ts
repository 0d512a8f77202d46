import { type Freshness, FreshnessError, type Sessions } from '@sess/core'
import { freshnessGuard } from '@sess/core/http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/**
 * A guard for routes: lets requests pass whose user has proved who they are as recently, and as well, as you say. Otherwise
 * it throws a `FreshnessError`, 401, for your error handler; without one the answer is its challenge and problem+json. It
 * looks at `request.session`; hand in the `sessions` if yours are elsewhere.
 *
 * @example
 * ```ts
 * app.post('/password', { preHandler: requireFresh('5m') }, changePassword)
 * ```
 * @throws {ConfigError} what is demanded cannot be met
 */
export function requireFresh(
  freshness: Freshness,
  sessions?: Sessions<object>,
): (request: FastifyRequest) => Promise<void> {
  const check = freshnessGuard(freshness)
  return async (request) => check(sessions === undefined ? request.session : sessions.of(request))
}

/** Has refusals answered with problem+json where Fastify answers by itself; an application's error handler has the last word. */
export function answerWithProblems(app: FastifyInstance): void {
  const refused = new WeakMap<FastifyRequest, FreshnessError>()
  app.addHook('onError', async (request, _reply, error) => {
    if (error instanceof FreshnessError) refused.set(request, error)
  })
  app.addHook('onSend', async (request, reply, payload) => explain(refused.get(request), payload, reply))
}

function explain(error: FreshnessError | undefined, body: unknown, reply: FastifyReply): unknown {
  if (error === undefined) return body
  const { statusCode, code, message } = error
  // What Fastify makes of it; everything else is the application's.
  if (body !== JSON.stringify({ statusCode, code, error: 'Unauthorized', message })) return body
  reply.type('application/problem+json')
  return JSON.stringify(error.toProblem())
}
