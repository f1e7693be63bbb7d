import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A real HTTP server that speaks OpenAI chat completions, well or badly, as its script says.
 *
 *   const server = await startModelServer([reply.status(429, { 'retry-after': '2' }), reply.text('hello')])
 */
export interface ModelServer {
  /** Base URL, `/v1` included. */
  readonly url: string
  /** POST /chat/completions in order of arrival. */
  readonly requests: readonly RecordedRequest[]
  /** Connections accepted so far. */
  readonly connections: number
  /** Resolves with the nth chat request (from 0) as soon as it is there. */
  request(n: number): Promise<RecordedRequest>
  close(): Promise<void>
}

export interface RecordedRequest {
  readonly headers: IncomingHttpHeaders
  readonly body: ChatBody
  /** Resolves when this exchange is over: answered in full, or the client's socket is gone. */
  readonly over: Promise<'answered' | 'cut by client'>
}

export interface ChatBody {
  readonly model: string
  readonly messages: readonly { readonly role: string; readonly content: unknown; readonly [field: string]: unknown }[]
  readonly [field: string]: unknown
}

/** Writes one answer. It may wait, and may leave the answer unfinished. */
export type Reply = (response: ServerResponse, request: RecordedRequest) => void | Promise<void>

/** Replies in order, the last one again for ever; or a function of the request and its number. */
export type ModelScript = readonly Reply[] | ((request: RecordedRequest, n: number) => Reply)

/** A part of a stream: an object is sent as one event, a string raw, a promise is waited for. */
export type StreamPart = object | string | Promise<unknown>

export async function startModelServer(
  script: ModelScript = (request) => reply.echo(request),
  options: { readonly models?: readonly string[] | Reply; readonly port?: number } = {},
): Promise<ModelServer> {
  const requests: RecordedRequest[] = []
  const waiting: (() => void)[] = []
  let connections = 0
  const replyTo = (request: RecordedRequest, n: number): Reply =>
    typeof script === 'function' ? script(request, n) : (script[Math.min(n, script.length - 1)] ?? reply.echo(request))

  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    const over = once(response, 'close').then(() =>
      response.writableFinished ? ('answered' as const) : ('cut by client' as const),
    )
    const body = (text === '' ? {} : JSON.parse(text)) as ChatBody
    const request: RecordedRequest = { headers: incoming.headers, body, over }
    if (incoming.url?.startsWith('/v1/models')) {
      const models = options.models ?? ['model-a', 'model-b']
      const list =
        typeof models === 'function' ? models : reply.json({ object: 'list', data: models.map((id) => ({ id })) })
      return list(response, request)
    }
    if (!incoming.url?.startsWith('/v1/chat/completions')) return reply.status(404)(response, request)
    requests.push(request)
    for (const wake of waiting.splice(0)) wake()
    await replyTo(request, requests.length - 1)(response, request)
  })
  server.on('connection', () => connections++)
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    get connections() {
      return connections
    },
    async request(n) {
      for (;;) {
        const request = requests[n]
        if (request) return request
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
    },
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

export const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 }

/** A chunk of the protocol. */
export function delta(delta: object, finish: string | null = null): object {
  return { id: 'chatcmpl-1', object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] }
}

export function toolDelta(...parts: object[]): object {
  return delta({ tool_calls: parts })
}

const DONE = 'data: [DONE]\n\n'

export const reply = {
  /** A stream of these parts, and its proper end. */
  stream(...parts: StreamPart[]): Reply {
    return async (response) => {
      await send(response, parts)
      response.end()
    }
  },

  /** A stream that breaks off: the socket is destroyed. */
  cut(...parts: StreamPart[]): Reply {
    return async (response) => {
      await send(response, parts)
      response.destroy()
    }
  },

  /** A stream that goes silent and stays open. */
  stall(...parts: StreamPart[]): Reply {
    return (response) => send(response, parts)
  },

  /** A well-formed answer, word by word. */
  text(text: string): Reply {
    const words = text.split(/(?<= )/).map((content) => delta({ content }))
    return reply.stream(...words, delta({}, 'stop'), { choices: [], usage }, DONE)
  },

  /** A well-formed answer with tool calls, as OpenAI streams them. */
  calls(...calls: readonly { readonly name: string; readonly arguments: object | string }[]): Reply {
    const parts = calls.flatMap((call, index) => {
      const text = typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments)
      const middle = Math.ceil(text.length / 2)
      const first = { index, id: `call_${index}`, type: 'function', function: { name: call.name, arguments: '' } }
      const rest = [text.slice(0, middle), text.slice(middle)].map((half) => ({ index, function: { arguments: half } }))
      return [first, ...rest].map((part) => toolDelta(part))
    })
    return reply.stream(...parts, delta({}, 'tool_calls'), { choices: [], usage }, DONE)
  },

  echo(request: RecordedRequest): Reply {
    const last = request.body.messages.findLast((message) => message.role === 'user')
    return reply.text(String(last?.content ?? ''))
  },

  json(body: unknown): Reply {
    return (response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    }
  },

  status(
    status: number,
    headers: Record<string, string> = {},
    body: unknown = { error: { message: `status ${status}` } },
  ): Reply {
    return (response) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    }
  },

  /** Takes the request and never answers. */
  silence(): Reply {
    return () => {}
  },

  /** Closes the connection before any answer. */
  hangUp(): Reply {
    return (response) => {
      response.destroy()
    }
  },
}

export const done = DONE

async function send(response: ServerResponse, parts: readonly StreamPart[]): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  for (const part of parts) {
    if (part instanceof Promise) await part
    else response.write(typeof part === 'string' ? part : `data: ${JSON.stringify(part)}\n\n`)
  }
}
