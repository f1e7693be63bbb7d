import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'

/** Everything this service serves as a page, by path: no folder is exposed, so no path can leave it. */
const pages: Record<string, { readonly file: string; readonly type: string }> = {
  '/': { file: 'index.html', type: 'text/html; charset=utf-8' },
  '/console/chat.css': { file: 'chat.css', type: 'text/css; charset=utf-8' },
  '/console/panels.css': { file: 'panels.css', type: 'text/css; charset=utf-8' },
  '/console/conversation.css': { file: 'conversation.css', type: 'text/css; charset=utf-8' },
  '/console/chat.js': { file: 'chat.js', type: 'text/javascript; charset=utf-8' },
  '/console/api.js': { file: 'api.js', type: 'text/javascript; charset=utf-8' },
  '/console/conversation.js': { file: 'conversation.js', type: 'text/javascript; charset=utf-8' },
  '/console/journal.js': { file: 'journal.js', type: 'text/javascript; charset=utf-8' },
  '/console/session-list.js': { file: 'session-list.js', type: 'text/javascript; charset=utf-8' },
  '/console/pinned-end.js': { file: 'pinned-end.js', type: 'text/javascript; charset=utf-8' },
  '/console/persona-choice.js': { file: 'persona-choice.js', type: 'text/javascript; charset=utf-8' },
  '/console/inspection.js': { file: 'inspection.js', type: 'text/javascript; charset=utf-8' },
  '/console/inspection.css': { file: 'inspection.css', type: 'text/css; charset=utf-8' },
  '/console/panels.js': { file: 'panels.js', type: 'text/javascript; charset=utf-8' },
  '/console/event-summary.js': { file: 'event-summary.js', type: 'text/javascript; charset=utf-8' },
  '/console/health.js': { file: 'health.js', type: 'text/javascript; charset=utf-8' },
  '/console/dom.js': { file: 'dom.js', type: 'text/javascript; charset=utf-8' },
  '/docs': { file: 'docs.html', type: 'text/html; charset=utf-8' },
  '/console/docs.css': { file: 'docs.css', type: 'text/css; charset=utf-8' },
  '/console/docs.js': { file: 'docs.js', type: 'text/javascript; charset=utf-8' },
  '/favicon.ico': { file: 'icon.svg', type: 'image/svg+xml' },
}

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export function pageRoutes(app: App, { config }: GatewayContext): void {
  const loaded = new Map<string, { readonly body: Buffer; readonly etag: string }>()

  async function load(file: string) {
    const known = loaded.get(file)
    if (known) return known
    const body = await readFile(join(config.consoleDir, file))
    const page = { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` }
    loaded.set(file, page)
    return page
  }

  for (const [path, { file, type }] of Object.entries(pages)) {
    app.get(
      path,
      { config: { public: true }, schema: { hide: true } },
      async (request: FastifyRequest, reply: FastifyReply) => {
        const { body, etag } = await load(file)
        reply
          .type(type)
          .header('etag', etag)
          .header('cache-control', 'no-cache')
          .header('content-security-policy', POLICY)
          .header('x-content-type-options', 'nosniff')
          .header('referrer-policy', 'no-referrer')
        return request.headers['if-none-match'] === etag ? reply.code(304).send() : reply.send(body)
      },
    )
  }

  app.get('/openapi.json', { config: { public: true }, schema: { hide: true } }, async () => app.swagger())
}
