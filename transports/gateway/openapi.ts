import swagger from '@fastify/swagger'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'
import type { GatewayConfig } from './config.ts'
import type { App } from './http-server.ts'

/** OpenAPI 3.1 from the schemas that validate; the document is made when it is first asked for, not at start. */
export async function openApi(app: App, config: GatewayConfig): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'SomaAgent',
        version: config.version,
        description: 'Durable agent sessions. A 2xx means that the message survives the loss of any one process.',
      },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    },
    transform: jsonSchemaTransform,
  })
}
