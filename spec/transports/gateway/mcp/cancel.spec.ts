import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { expect } from 'chai'
import { eventually } from '../../../support/eventually.ts'
import type { TurnScript } from '../../../support/fake-sessions.ts'
import { type GatewayHarness, startGateway } from '../../../support/gateway-harness.ts'

describe('a client of our MCP server that cancels', () => {
  let harness: GatewayHarness
  const clients: Client[] = []
  const turns: TurnScript[] = []
  /** Calls that wait for an answer at the gateway. */
  let waiting = 0

  beforeEach(async () => {
    const metrics = {
      request() {},
      streams(open: number) {
        waiting = open
      },
    }
    harness = await startGateway({ deps: { metrics } })
    harness.sessions.script = (turn) => void turns.push(turn.start())
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close()
    turns.length = 0
    await harness.close()
  })

  async function connected(): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> {
    const client = new Client({ name: 'spec', version: '1' })
    const transport = new StreamableHTTPClientTransport(new URL(`${harness.url}/mcp`))
    await client.connect(transport as Transport)
    clients.push(client)
    return { client, transport }
  }

  const asked = (client: Client, signal?: AbortSignal) =>
    client.callTool({ name: 'send_message', arguments: { message: 'slow' } }, undefined, signal && { signal })

  it('is waited for no longer, though it stays connected, and the turn goes on', async () => {
    const { client } = await connected()
    const stop = new AbortController()
    const answer = asked(client, stop.signal).catch((error: Error) => error.message)
    await eventually(() => turns.length === 1 && waiting === 1)
    stop.abort('enough')
    expect(await answer).to.include('enough')
    await eventually(() => waiting === 0)
    turns[0]?.say('all the same').finish()
    const { structuredContent } = await client.callTool({ name: 'list_sessions', arguments: {} })
    const [{ session_id }] = (structuredContent as { sessions: [{ session_id: string }] }).sessions
    const { contents } = await client.readResource({ uri: `session://${session_id}` })
    expect(JSON.stringify(contents)).to.include('all the same')
  })

  it('cancels nothing of another client whose requests have the same ids', async () => {
    const [mine, other] = [await connected(), await connected()]
    expect(mine.transport.sessionId).to.be.a('string').and.not.equal(other.transport.sessionId)
    const stop = new AbortController()
    const cancelled = asked(mine.client, stop.signal).catch(() => 'cancelled')
    const answered = asked(other.client)
    await eventually(() => turns.length === 2 && waiting === 2)
    stop.abort()
    expect(await cancelled).to.equal('cancelled')
    await eventually(() => waiting === 1)
    for (const turn of turns) turn.say('here').finish()
    expect((await answered).structuredContent).to.deep.include({ answer: 'here' })
  })

  it('may end its session, though there is none, and ask on', async () => {
    const { client, transport } = await connected()
    await transport.terminateSession()
    expect((await client.listTools()).tools).to.have.length(6)
    expect(await client.ping()).to.deep.equal({})
  })
})
