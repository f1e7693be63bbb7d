import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { expect } from 'chai'
import { SignJWT } from 'jose'
import type { Memory } from '../../../../actors/memory/memory.ts'
import type { TurnScript } from '../../../support/fake-sessions.ts'
import { type GatewayHarness, type HarnessOptions, recordOf, startGateway } from '../../../support/gateway-harness.ts'

let harness: GatewayHarness
const clients: Client[] = []
const secret = 'a secret of at least thirty-two characters'

async function connected(options: HarnessOptions = {}, headers: Record<string, string> = {}): Promise<Client> {
  harness ??= await startGateway(options)
  const client = new Client({ name: 'spec', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL(`${harness.url}/mcp`), { requestInit: { headers } })
  await client.connect(transport as Transport)
  clients.push(client)
  return client
}

const token = async (tenant: string) =>
  new SignJWT({ tenant })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(secret))

type Result = {
  content: { text: string }[]
  structuredContent?: Record<string, unknown>
  isError?: boolean
}

describe('our MCP server', () => {
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close()
    await harness.close()
    harness = undefined as never
  })

  it('lists its tools to the client of the SDK, and says which of them change nothing', async () => {
    const client = await connected()
    const { tools } = await client.listTools()
    expect(tools.map(({ name, annotations }) => [name, annotations?.readOnlyHint])).to.deep.equal([
      ['send_message', false],
      ['read_session', true],
      ['list_sessions', true],
      ['stop_turn', false],
      ['remember', false],
      ['recall', true],
    ])
  })

  it('sends a message, tells progress while it waits, and answers', async () => {
    const client = await connected()
    const told: string[] = []
    const result = (await client.callTool({ name: 'send_message', arguments: { message: 'hello' } }, undefined, {
      onprogress: ({ message }) => told.push(String(message)),
    })) as Result
    expect(result.isError).to.not.equal(true)
    expect(result.structuredContent).to.deep.include({ status: 'completed' })
    expect(result.content[0]?.text).to.include(String(result.structuredContent?.answer))
    expect(harness.sent).to.have.length(1)
    expect(told.length).to.be.greaterThan(0)
  })

  it('sends a message once, however often the same request_id asks', async () => {
    const client = await connected()
    const call = { name: 'send_message', arguments: { message: 'once', request_id: 'r-1' } }
    const first = (await client.callTool(call)) as Result
    const again = (await client.callTool(call)) as Result
    expect(again.structuredContent).to.deep.equal(first.structuredContent)
    expect(new Set(harness.sent.map(({ id }) => id)).size).to.equal(1)
    const other = { ...call, arguments: { ...call.arguments, message: 'something else' } }
    const refused = (await client.callTool(other)) as Result
    expect([refused.isError, refused.content[0]?.text.split(':')[0]]).to.deep.equal([true, 'IDEMPOTENCY_CONFLICT'])
  })

  it('shows a tenant its own sessions alone', async () => {
    const auth = { mode: 'jwt' as const, secret }
    const acme = await connected({ auth }, { authorization: `Bearer ${await token('acme')}` })
    const other = await connected({ auth }, { authorization: `Bearer ${await token('other')}` })
    const id = '8c5f0000-0000-4000-8000-000000000009'
    harness.records.set(id, recordOf(id, 'other'))
    const listed = (await acme.callTool({ name: 'list_sessions', arguments: {} })) as Result
    expect(listed.structuredContent).to.deep.equal({ sessions: [] })
    for (const [name, more] of [
      ['read_session', {}],
      ['stop_turn', {}],
      ['send_message', { message: 'mine?' }],
    ] as const) {
      const refused = (await acme.callTool({ name, arguments: { session_id: id, ...more } })) as Result
      expect([name, refused.isError, refused.content[0]?.text.split(':')[0]]).to.deep.equal([
        name,
        true,
        'SESSION_NOT_FOUND',
      ])
    }
    expect((await acme.listResources()).resources).to.deep.equal([])
    expect((await other.listResources()).resources.map(({ uri }) => uri)).to.deep.equal([`session://${id}`])
    expect(harness.sent).to.deep.equal([])
  })

  it('reads a session as a tool and as a resource', async () => {
    const client = await connected()
    const sent = (await client.callTool({ name: 'send_message', arguments: { message: 'hello' } })) as Result
    const session_id = String(sent.structuredContent?.session_id)
    const read = (await client.callTool({ name: 'read_session', arguments: { session_id } })) as Result
    expect(read.content[0]?.text).to.include(session_id)
    const { contents } = await client.readResource({ uri: `session://${session_id}` })
    expect(contents[0]).to.deep.include({ mimeType: 'text/plain' })
  })

  it('returns before the turn ends when it should wait no longer, and says how to wait on', async () => {
    const client = await connected()
    let held: TurnScript | undefined
    harness.sessions.script = (turn) => {
      held = turn.start()
    }
    const call = { name: 'send_message', arguments: { message: 'slow', request_id: 'r-2', wait_seconds: 0 } }
    const result = (await client.callTool(call)) as Result
    expect(result.structuredContent?.status).to.equal('running')
    held?.say('at last').finish()
    const waited = { ...call, arguments: { ...call.arguments, wait_seconds: 30 } }
    const answered = (await client.callTool(waited)) as Result
    expect(answered.structuredContent).to.deep.include({ status: 'completed', answer: 'at last' })
    expect(new Set(harness.sent.map(({ id }) => id)).size).to.equal(1)
  })

  it('refuses what the gateway refuses: no token, another origin, a method it has not', async () => {
    harness = await startGateway({ auth: { mode: 'jwt', secret } })
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
    const post = (more: object) =>
      fetch(`${harness.url}/mcp`, { method: 'POST', body, headers: { ...headers, ...more } })
    expect((await post({})).status).to.equal(401)
    const authorization = `Bearer ${await token('acme')}`
    expect((await post({ authorization })).status).to.equal(200)
    expect((await post({ authorization, origin: 'https://elsewhere.example' })).status).to.equal(403)
    expect((await fetch(`${harness.url}/mcp`, { headers: { authorization } })).status).to.equal(405)
  })

  it('offers remember and recall when there is a memory, for the tenant of the token', async () => {
    const asked: unknown[] = []
    const memory = {
      async remember(what: object, by: object) {
        asked.push([what, by])
        return { key: 'k-1', namespace: 'default', replaced: false }
      },
      async recall(what: object, by: object) {
        asked.push([what, by])
        const found = { key: 'k-1', namespace: 'default', text: 'The sky is blue.', tags: [], score: 1 }
        return { results: [found], warnings: [] }
      },
    }
    const client = await connected({ deps: { memory: memory as unknown as Memory } })
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).to.include.members(['remember', 'recall'])
    await client.callTool({ name: 'remember', arguments: { text: 'The sky is blue.', request_id: 'r-3' } })
    const recalled = (await client.callTool({ name: 'recall', arguments: { query: 'sky' } })) as Result
    expect(recalled.content[0]?.text).to.equal('- The sky is blue. [k-1]')
    expect(asked[0]).to.deep.equal([{ text: 'The sky is blue.' }, { tenant: 'local', role: 'user', requestId: 'r-3' }])
  })
})
