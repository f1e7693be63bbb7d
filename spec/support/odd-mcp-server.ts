import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'

/**
 * An MCP server that does what no good one does, as a program: `node odd-mcp-server.js stdio|http <folder> [manner]`.
 * Its calls leave a line in <folder>/runs, by which a spec counts what really ran. `http` prints its port.
 *   manner `mute`   takes requests and never answers
 *   manner `chatty` floods stderr
 */
interface Message {
  readonly id?: number | string
  readonly method?: string
  readonly params?: {
    readonly name?: string
    readonly arguments?: Readonly<Record<string, unknown>>
    readonly _meta?: Readonly<Record<string, unknown>>
    readonly requestId?: number | string
    readonly protocolVersion?: string
  }
}

const [way, folder = '.', manner] = process.argv.slice(2)
const note = (text: string) => appendFileSync(`${folder}/runs`, `${text}\n`)
const text = (value: string, isError = false) => ({ content: [{ type: 'text', text: value }], isError })
const object = (properties: object = {}, required: string[] = []) => ({ type: 'object', properties, required })

const tools = [
  { name: 'work', description: 'Works.', inputSchema: object({ times: { type: 'integer', minimum: 1 } }) },
  { name: 'look', inputSchema: object(), annotations: { readOnlyHint: true } },
  { name: 'put', inputSchema: object(), annotations: { idempotentHint: true } },
  { name: 'erase', inputSchema: object(), annotations: { idempotentHint: true, destructiveHint: true } },
  { name: 'env', inputSchema: object(), annotations: { readOnlyHint: true } },
  { name: 'fail', inputSchema: object() },
  { name: 'picture', inputSchema: object() },
  { name: 'flood', inputSchema: object({ characters: { type: 'integer' } }) },
  { name: 'learn', inputSchema: object() },
  { name: 'progress', inputSchema: object() },
  { name: 'odd.name/here', inputSchema: object() },
  { name: 'no_schema', inputSchema: { type: 'object', properties: { a: { $ref: 'http://elsewhere.example/a' } } } },
]

type Send = (message: object) => void

/** The first run of `work`, `look`, `put` and `erase` hangs; a later one, in this process or the next, ends at once. */
function call({ params, id }: Message, send: Send): object | undefined {
  const { name = '', arguments: args = {}, _meta } = params ?? {}
  switch (name) {
    case 'work':
    case 'look':
    case 'put':
    case 'erase': {
      const ran = runs(name)
      note(`${name} ${String(_meta?.['somaagent/call-id'])}`)
      return ran < Number(args.times ?? 1) ? undefined : text(`done by ${process.pid}`)
    }
    case 'env':
      return text(JSON.stringify(process.env))
    case 'fail':
      return text('the disk is full', true)
    case 'picture':
      return {
        content: [
          { type: 'text', text: 'Here:' },
          { type: 'image', data: Buffer.alloc(100).toString('base64'), mimeType: 'image/png' },
          { type: 'resource', resource: { uri: 'file:///notes.txt', text: 'noted' } },
          { type: 'resource_link', uri: 'file:///more.txt', name: 'more' },
        ],
      }
    case 'flood':
      return text('x'.repeat(Number(args.characters)))
    case 'learn':
      tools.push({ name: 'learned', inputSchema: object() })
      send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })
      return text('learned')
    case 'progress': {
      const progressToken = _meta?.progressToken
      const params = { progressToken, progress: 1, total: 4, message: 'a quarter' }
      send({ jsonrpc: '2.0', method: 'notifications/progress', params })
      setTimeout(() => send({ jsonrpc: '2.0', id, result: text('done') }), 50)
      return undefined
    }
    default:
      return text(`no tool ${name}`, true)
  }
}

function runs(name: string): number {
  const file = `${folder}/runs`
  if (!existsSync(file)) return 0
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${name} `)).length
}

function handle(message: Message, send: Send): void {
  const { id, method, params } = message
  if (manner === 'mute') return
  if (method === 'notifications/cancelled') note(`cancelled ${String(params?.requestId)}`)
  if (id === undefined) return
  const answer = (result: object) => send({ jsonrpc: '2.0', id, result })
  if (method === 'initialize') {
    const capabilities = { tools: { listChanged: true } }
    const serverInfo = { name: 'odd', version: '1.0.0' }
    answer({ protocolVersion: params?.protocolVersion, capabilities, serverInfo })
  } else if (method === 'tools/list') answer({ tools })
  else if (method === 'tools/call') {
    const result = call(message, send)
    if (result) answer(result)
  } else if (method === 'ping') answer({})
  else send({ jsonrpc: '2.0', id, error: { code: -32601, message: `no method ${method}` } })
}

if (manner === 'chatty') for (let line = 0; line < 5_000; line++) process.stderr.write(`line ${line}\n`)
if (way === 'http') serveHttp()
else {
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => handle(JSON.parse(line), (out) => process.stdout.write(`${JSON.stringify(out)}\n`)))
  lines.on('close', () => process.exit())
}

function serveHttp(): void {
  const session = `session-${process.pid}`
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end()
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const message = JSON.parse(Buffer.concat(chunks).toString()) as Message
    note(`http ${message.method} ${request.headers.authorization ?? ''}`)
    const known = message.method === 'initialize' || request.headers['mcp-session-id'] === session
    if (!known) return void response.writeHead(404).end('no such session')
    if (message.id === undefined) {
      handle(message, () => {})
      return void response.writeHead(202).end()
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'mcp-session-id': session })
    response.flushHeaders()
    handle(message, (out) => sent(response, out))
  })
  server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () =>
    process.stdout.write(`${(server.address() as AddressInfo).port}\n`),
  )
}

function sent(response: ServerResponse, message: object): void {
  response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
  if ('id' in message) response.end()
}
