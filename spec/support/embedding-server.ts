import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A real HTTP server that speaks OpenAI embeddings, well or badly, as its script says. */
export interface EmbeddingServer {
  /** Base URL, `/v1` included. */
  readonly url: string
  readonly requests: readonly { readonly body: EmbeddingBody; readonly headers: IncomingHttpHeaders }[]
  close(): Promise<void>
}

export interface EmbeddingBody {
  readonly model: string
  readonly input: readonly string[]
}

export type EmbeddingReply = (response: ServerResponse, body: EmbeddingBody) => void

/** Replies in order, the last one again for ever. */
export async function startEmbeddingServer(...script: readonly EmbeddingReply[]): Promise<EmbeddingServer> {
  const requests: { body: EmbeddingBody; headers: IncomingHttpHeaders }[] = []
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    if (incoming.url !== '/v1/embeddings') return void response.writeHead(404).end()
    const body = JSON.parse(Buffer.concat(chunks).toString()) as EmbeddingBody
    requests.push({ body, headers: incoming.headers })
    script[Math.min(requests.length, script.length) - 1]?.(response, body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** What the servers of these specs make of a text: its length, and its first letter. */
export const vectorOf = (text: string) => [text.length, text.charCodeAt(0) || 0, 1]

const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

export const embeddings = {
  /** As it should be, but that the order is none. */
  right: ((response, { input }) => {
    const data = input.map((text, index) => ({ object: 'embedding', index, embedding: vectorOf(text) }))
    json(response, 200, { object: 'list', data: data.reverse() })
  }) as EmbeddingReply,
  /** These, whatever was asked. */
  data:
    (...data: object[]): EmbeddingReply =>
    (response) =>
      json(response, 200, { data }),
  status:
    (status: number, headers: Record<string, string> = {}, message = `status ${status}`): EmbeddingReply =>
    (response) =>
      json(response, status, { error: { message } }, headers),
  page: ((response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')) as EmbeddingReply,
  /** Takes the request and never answers. */
  silence: (() => {}) as EmbeddingReply,
  /** Closes the connection before any answer. */
  hangUp: ((response) => response.destroy()) as EmbeddingReply,
  /** Promises more than it sends, and closes. */
  half: ((response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
    response.write('{"data":[', () => response.destroy())
  }) as EmbeddingReply,
  flood: ((response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(`{"data": "${'x'.repeat(200_000)}"}`)
  }) as EmbeddingReply,
}
