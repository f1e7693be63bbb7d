import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { expect } from 'chai'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { type GatewayHarness, startGateway } from '../../../support/gateway-harness.ts'

interface Answer {
  readonly id: string | number | null
  readonly result?: { readonly isError?: boolean; readonly content?: readonly { readonly text: string }[] }
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Record<string, unknown> }
}

let harness: GatewayHarness

const types = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = types) =>
  fetch(`${harness.url}/mcp`, { method: 'POST', headers, body })

async function answersTo(message: unknown): Promise<Answer[]> {
  const response = await post(JSON.stringify(message))
  const text = await response.text()
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return [JSON.parse(text) as Answer]
  const answers: Answer[] = []
  createParser({ onEvent: ({ data }) => answers.push(JSON.parse(data) as Answer) }).feed(text)
  return answers
}

async function answerTo(method: string, params?: unknown): Promise<Answer> {
  const [answer] = await answersTo({ jsonrpc: '2.0', id: 7, method, ...(params !== undefined && { params }) })
  return answer as Answer
}

describe('our MCP server and what does not fit', () => {
  before(async () => {
    harness = await startGateway({ limits: { bodyBytes: 100_000 } })
  })
  after(() => harness.close())

  const sentences: readonly [string, unknown, string][] = [
    ['tools/call', { name: 5 }, 'tools/call: `name` must be a string, not 5.'],
    ['tools/call', { name: ['recall'] }, 'tools/call: `name` must be a string, not a list.'],
    ['tools/call', {}, 'tools/call: `name` is missing; it must be a string.'],
    ['tools/call', undefined, 'tools/call: `params` is missing; it must be an object.'],
    ['tools/call', { name: 'recall', arguments: 'sky' }, 'tools/call: `arguments` must be an object, not "sky".'],
    ['tools/call', { name: 'recall', arguments: null }, 'tools/call: `arguments` must be an object, not null.'],
    ['tools/list', { cursor: 5 }, 'tools/list: `cursor` must be a string, not 5.'],
    ['tools/list', { cursor: 'more' }, '`cursor` must be left out: this list has one page.'],
    ['resources/read', {}, 'resources/read: `uri` is missing; it must be a string.'],
    [
      'initialize',
      { protocolVersion: '2025-11-25', capabilities: {} },
      'initialize: `clientInfo` is missing; it must be an object.',
    ],
    ['tools/call', { name: 'send_mesage' }, 'Unknown tool `send_mesage`: did you mean `send_message`?'],
    [
      'tools/call',
      { name: 'weather' },
      'Unknown tool `weather`: the tools are send_message, read_session, list_sessions, stop_turn, remember, recall.',
    ],
  ]
  for (const [method, params, sentence] of sentences) {
    it(`answers ${method} ${JSON.stringify(params)} with invalid params, in one sentence`, async () => {
      const { id, error } = await answerTo(method, params)
      expect({ id, code: error?.code, message: error?.message }).to.deep.equal({
        id: 7,
        code: -32602,
        message: sentence,
      })
    })
  }

  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    it(`knows no tool ${name}`, async () => {
      const { error } = await answerTo('tools/call', { name })
      expect([error?.code, error?.message.split(':')[0]]).to.deep.equal([-32602, `Unknown tool \`${name}\``])
    })
  }

  const refusedArguments: readonly [string, object, string][] = [
    ['read_session', {}, '`session_id` is missing; it must be a string.'],
    ['read_session', { session_id: 's', last: 1.5 }, '`last` must be an integer, not 1.5.'],
    ['read_session', { session_id: 's', last: 0 }, '`last` must be at least 1.'],
    ['list_sessions', { limit: 201 }, '`limit` must be at most 200.'],
    ['send_message', { message: '' }, '`message` must have at least 1 character.'],
    ['send_message', { message: 'hi', sesion_id: 's' }, '`sesion_id` is not known (did you mean `session_id`?).'],
    [
      'stop_turn',
      { session_id: 's', constructor: 1 },
      '`constructor` is not known (known are `session_id`, `turn_id`).',
    ],
  ]
  for (const [name, args, sentence] of refusedArguments) {
    it(`tells the model what is wrong with the arguments ${JSON.stringify(args)} of ${name}`, async () => {
      const { result } = await answerTo('tools/call', { name, arguments: args })
      expect([result?.isError, result?.content?.[0]?.text]).to.deep.equal([
        true,
        `TOOL_ARGUMENTS: ${name}: ${sentence}`,
      ])
      expect(harness.sent).to.deep.equal([])
    })
  }

  it('names a method that it has not', async () => {
    const { error } = await answerTo('prompts/list', {})
    expect(error).to.deep.equal({
      code: -32601,
      message: 'There is no method `prompts/list` here: this server offers tools and resources.',
    })
  })

  for (const uri of [
    'session://nobody',
    'session://',
    'session://%E0%A4%A',
    'file:///etc/passwd',
    'no uri',
    '__proto__',
  ]) {
    it(`says of ${uri} that there is no such resource`, async () => {
      const { error } = await answerTo('resources/read', { uri })
      expect([error?.code, error?.data]).to.deep.equal([-32002, { uri }])
      expect(error?.message).to.match(/^There is no resource /)
    })
  }

  it('calls a tool for a client that asks for a task, which we do not offer', async () => {
    const { result } = await answerTo('tools/call', { name: 'list_sessions', task: { ttl: 1_000 } })
    expect(result?.content?.[0]?.text).to.equal('There are no sessions.')
  })

  it('shows nothing of a defect', async () => {
    const records = { list: () => Promise.reject(new Error('password=hush')) } as never
    const broken = await startGateway({ deps: { records } })
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'resources/list' })
    const text = await (await fetch(`${broken.url}/mcp`, { method: 'POST', headers: types, body })).text()
    await broken.close()
    expect(text).to.include('-32603').and.not.include('hush')
  })

  const bodies: readonly [string, string, number | null, number, string][] = [
    ['broken JSON', '{broken', null, -32700, 'The body is not valid JSON: '],
    ['nothing', '', null, -32700, 'The body is not valid JSON: it is empty.'],
    ['no object', '"tools/list"', null, -32600, 'The body must be a JSON-RPC message'],
    ['an empty list', '[]', null, -32600, 'The list holds no message.'],
    ['no version', '{"id":1,"method":"ping"}', 1, -32600, '`jsonrpc` is missing; it must be "2.0".'],
    ['no method', '{"jsonrpc":"2.0","id":1}', 1, -32600, '`method` is missing; it must be a string.'],
    [
      'an id that is none',
      '{"jsonrpc":"2.0","id":null,"method":"ping"}',
      null,
      -32600,
      '`id` must be a string or a number, not null.',
    ],
    [
      'params as a list',
      '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}',
      1,
      -32602,
      '`params` must be an object, not a list.',
    ],
    [
      'a progress token that is none',
      '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"progressToken":{}}}}',
      1,
      -32602,
      '`_meta.progressToken` must be a string or a number, not an object.',
    ],
    [
      'one bad message of two',
      '[{"jsonrpc":"2.0","id":1,"method":"ping"},5]',
      null,
      -32600,
      'Message 2 of 2: The body must',
    ],
  ]
  for (const [what, body, id, code, start] of bodies) {
    it(`answers ${what} with 400 and an error of JSON-RPC`, async () => {
      const response = await post(body)
      expect([response.status, response.headers.get('content-type')?.split(';')[0]]).to.deep.equal([
        400,
        'application/json',
      ])
      const answer = (await response.json()) as Answer
      expect([answer.id, answer.error?.code]).to.deep.equal([id, code])
      expect(answer.error?.message.slice(0, start.length)).to.equal(start)
    })
  }

  const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
  const headers: readonly [string, string, Record<string, string>, number, string][] = [
    [
      'an Accept header without text/event-stream',
      ping,
      { ...types, accept: 'application/json' },
      406,
      'text/event-stream',
    ],
    ['any Accept header', ping, { ...types, accept: '*/*' }, 406, 'text/event-stream'],
    ['another Content-Type', ping, { ...types, 'content-type': 'text/plain' }, 415, 'content type'],
    [
      'a revision that is none',
      ping,
      { ...types, 'mcp-protocol-version': '2031-01-01' },
      400,
      'supported versions: 2025-11-25',
    ],
    ['a body that is too large', ' '.repeat(200_000), types, 413, 'larger than allowed'],
    ['another origin', ping, { ...types, origin: 'https://elsewhere.example' }, 403, 'https://elsewhere.example'],
  ]
  for (const [what, body, sent, status, word] of headers) {
    it(`refuses ${what} with ${status} and an error of JSON-RPC`, async () => {
      const response = await post(body, sent)
      expect(response.status).to.equal(status)
      const { id, error } = (await response.json()) as Answer
      expect([id, error?.code]).to.deep.equal([null, -32000])
      expect(error?.message).to.include(word)
    })
  }

  it('is never wrong inside, whatever the params are, and never says more than a sentence', async () => {
    const methods = fc.constantFrom(
      'initialize',
      'ping',
      'tools/list',
      'tools/call',
      'resources/list',
      'resources/read',
    )
    const field = fc.constantFrom(
      'name',
      'arguments',
      'uri',
      'cursor',
      '_meta',
      'protocolVersion',
      'task',
      'constructor',
    )
    const params = fc.dictionary(
      field,
      fc.oneof(fc.jsonValue(), fc.constantFrom('recall', 'list_sessions', '__proto__')),
    )
    await fc.assert(
      fc.asyncProperty(methods, params, async (method, sent) => {
        const { error } = await answerTo(method, sent)
        expect(error?.code).to.not.equal(-32603)
        expect(error?.message ?? '').to.not.match(/[\n{]/)
      }),
      { numRuns: 60 },
    )
  })

  it('reaches the client of the SDK as what it is', async () => {
    const client = new Client({ name: 'spec', version: '1' })
    await client.connect(new StreamableHTTPClientTransport(new URL(`${harness.url}/mcp`)) as Transport)
    const refused = await client.callTool({ name: 'recal' }).catch((error: unknown) => error)
    expect(refused).to.deep.include({
      code: -32602,
      message: 'MCP error -32602: Unknown tool `recal`: did you mean `recall`?',
    })
    const gone = await client.readResource({ uri: 'session://gone' }).catch((error: unknown) => error)
    expect(gone).to.deep.include({ code: -32002, data: { uri: 'session://gone' } })
    const { isError } = await client.callTool({ name: 'recall', arguments: {} })
    expect(isError).to.equal(true)
    await client.close()
  })
})
