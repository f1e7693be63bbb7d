import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { expect } from 'chai'
import { packageRoot } from '../../infra/package-root.ts'
import { eventually } from '../support/eventually.ts'
import { Service, somaMain } from '../support/service.ts'

describe('soma mcp serve', function () {
  this.timeout(90_000)
  let service: Service
  let client: Client
  before(async () => {
    service = await Service.start()
    client = new Client({ name: 'desktop', version: '1' })
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [somaMain, 'mcp', 'serve'],
      env: { SOMA_URL: service.url, SOMA_DATA_DIR: service.dataDir },
      stderr: 'ignore',
    })
    await client.connect(transport as Transport)
  })
  after(async () => {
    await client?.close()
    await service?.release()
  })

  type Result = { content: { text: string }[]; structuredContent: Record<string, string>; isError?: boolean }
  const send = async (args: object) =>
    (await client.callTool({ name: 'send_message', arguments: { ...args } })) as Result

  it('lists the tools and sends a message', async () => {
    expect((await client.listTools()).tools.map(({ name }) => name)).to.include('send_message')
    const { structuredContent } = await send({ message: 'say hello there' })
    expect(structuredContent).to.deep.include({ status: 'completed', answer: 'hello there' })
  })

  it('answers the command of docs/MCP.md as it is written there', async () => {
    const document = readFileSync(join(packageRoot, 'docs/MCP.md'), 'utf8')
    const [, command = ''] = /```sh\n(curl [\s\S]*?)```/.exec(document) ?? []
    const { stdout } = await promisify(execFile)('sh', ['-c', command.replace('http://127.0.0.1:8010', service.url)])
    expect(stdout).to.include('data: {"result":{"content":[{"type":"text"').and.not.include('isError')
  })

  it('the service is killed in the middle of a turn and started again: one turn, one answer, the same call', async () => {
    const asked = send({ session_id: 'desk', message: 'stream 40 50 a long answer that outlives the process' })
    await eventually(async () => (await service.get('/v1/sessions/desk')).body.running_turn_id != null)
    await service.kill()
    await service.start()
    expect((await asked).structuredContent).to.deep.include({
      status: 'completed',
      answer: 'a long answer that outlives the process',
    })
    const { body } = await service.get('/v1/sessions/desk/history')
    expect(body.history).to.have.length(2)
  })
})
