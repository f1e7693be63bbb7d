import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { constants, gzip as gzipCallback } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'

const gzip = promisify(gzipCallback)

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Everything the page may do: its own scripts, styles and answers; pictures also from its own memory (attachments). */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data: blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

interface Page {
  readonly body: Buffer
  readonly packed: Buffer
  readonly etag: string
}

/**
 * The built console. Its files are listed once, and each gets a route of its own: no folder is exposed, so no path can
 * leave it. Files under assets/ carry their hash in their name and may be kept for good; the page itself is asked for
 * again each time.
 */
export function pageRoutes(app: App, { config, log }: GatewayContext): void {
  const loaded = new Map<string, Promise<Page>>()
  const pages = new Map([
    ['/', 'index.html'],
    ['/docs', 'index.html'],
    ['/favicon.ico', 'icon.svg'],
  ])
  for (const file of filesOf(config.consoleDir)) pages.set(`/console/${file}`, file)
  if (pages.size === 3) log.warn({ folder: config.consoleDir }, 'the console is not built: run `npm run build`')

  async function load(file: string): Promise<Page> {
    const body = await readFile(join(config.consoleDir, file))
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
    return { body, packed: await gzip(body, { level: constants.Z_BEST_COMPRESSION }), etag }
  }

  function pageOf(file: string): Promise<Page> {
    let page = loaded.get(file)
    if (!page) {
      page = load(file)
      page.catch(() => loaded.delete(file))
      loaded.set(file, page)
    }
    return page
  }

  for (const [path, file] of pages) {
    const kept = file.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
    app.get(
      path,
      { config: { public: true }, schema: { hide: true } },
      async (request: FastifyRequest, reply: FastifyReply) => {
        const { body, packed, etag } = await pageOf(file)
        reply
          .type(types[extname(file)] ?? 'application/octet-stream')
          .header('etag', etag)
          .header('vary', 'accept-encoding')
          .header('cache-control', kept)
          .header('content-security-policy', POLICY)
          .header('x-content-type-options', 'nosniff')
          .header('referrer-policy', 'no-referrer')
        if (request.headers['if-none-match'] === etag) return reply.code(304).send()
        if (!/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) return reply.send(body)
        return reply.header('content-encoding', 'gzip').send(packed)
      },
    )
  }

  app.get('/openapi.json', { config: { public: true }, schema: { hide: true } }, async () => app.swagger())
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && extname(entry.name) in types)
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(folder.length + 1)
          .replaceAll('\\', '/'),
      )
  } catch {
    return []
  }
}
