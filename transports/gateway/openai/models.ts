import { z } from 'zod'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { modelNames, personaNames } from './model-name.ts'

const model = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
  role: z.string().nullable(),
})

export function modelRoutes(app: App, { models, personas }: GatewayContext): void {
  function all(): z.infer<typeof model>[] {
    const found = models.list().map(({ id, role, source }) => ({
      id,
      object: 'model' as const,
      created: 0,
      owned_by: source === 'built in' ? 'somaagent' : source,
      role: role ?? null,
    }))
    const asPersonas = personaNames({ models, personas }).map((id) => ({
      id,
      object: 'model' as const,
      created: 0,
      owned_by: 'somaagent',
      role: null,
    }))
    return [...found, ...asPersonas]
  }

  app.get(
    '/v1/models',
    {
      config: { errors: 'openai' },
      schema: {
        tags: ['openai'],
        summary: 'The models and personas that `model` may name',
        response: { 200: z.object({ object: z.literal('list'), data: z.array(model) }) },
      },
    },
    async () => ({ object: 'list' as const, data: all() }),
  )

  // A wildcard, because names hold slashes and clients differ in whether they encode them.
  app.get(
    '/v1/models/*',
    {
      config: { errors: 'openai' },
      schema: {
        tags: ['openai'],
        summary: 'One of them',
        params: z.object({ '*': z.string() }),
        response: { 200: model },
      },
    },
    async ({ params }) => {
      const id = params['*']
      const found = all().find((one) => one.id === id)
      if (!found) {
        throw new Failure('MODEL_NOT_FOUND', `\`${id}\` is none of ${modelNames({ models, personas }).join(', ')}.`)
      }
      return found
    },
  )
}
