import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { bridgeStdio } from '../../../transports/mcp/stdio-bridge.ts'
import { eventually } from '../../support/eventually.ts'
import { type GatewayHarness, realClock, realIds, startGateway } from '../../support/gateway-harness.ts'

interface Answer {
  readonly id: number | string | null
  readonly result?: object
  readonly error?: { readonly code: number; readonly message: string }
}

describe('MCP by stdio in front of the service', () => {
  let harness: GatewayHarness
  let input: PassThrough
  let ended: Promise<void>
  let answers: Answer[]
  let warnings: string[]

  beforeEach(async () => {
    harness = await startGateway({ limits: { bodyBytes: 10_000 } })
    input = new PassThrough()
    const output = new PassThrough({ encoding: 'utf8' })
    answers = []
    warnings = []
    output.on('data', (line: string) =>
      answers.push(
        ...line
          .trim()
          .split('\n')
          .map((one) => JSON.parse(one)),
      ),
    )
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    ended = bridgeStdio({
      input,
      output,
      post: (body, key, signal) =>
        fetch(`${harness.url}/mcp`, {
          method: 'POST',
          headers: { ...headers, 'idempotency-key': key },
          body,
          signal,
        }),
      newKey: realIds.uuid,
      warn: (text) => void warnings.push(text),
      clock: realClock,
    })
  })
  afterEach(async () => {
    input.end()
    await ended
    await harness.close()
  })

  async function answerTo(line: string): Promise<Answer> {
    input.write(`${line}\n`)
    await eventually(() => answers.length > 0)
    expect(answers).to.have.length(1)
    return answers.pop() as Answer
  }

  const refused: readonly [string, string, number | null, number, string][] = [
    ['a line that is no JSON', '{broken', null, -32700, 'A line must be one JSON-RPC message'],
    ['a message that is none', '{"id":3,"method":"ping"}', 3, -32600, '`jsonrpc` is missing; it must be "2.0".'],
    ['params that are none', '{"jsonrpc":"2.0","id":3,"method":"ping","params":[]}', 3, -32602, '`params` must be'],
    [
      'a tool that is none',
      '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"recal"}}',
      3,
      -32602,
      'Unk',
    ],
    [
      'what is too large for the service',
      `{"jsonrpc":"2.0","id":3,"method":"ping","params":{"x":"${'x'.repeat(20_000)}"}}`,
      3,
      -32000,
      'PAYLOAD_TOO_LARGE: The payload is larger than allowed: ',
    ],
  ]
  for (const [what, line, id, code, start] of refused) {
    it(`answers ${what} with its id and the code that the service gives`, async () => {
      const answer = await answerTo(line)
      expect([answer.id, answer.error?.code]).to.deep.equal([id, code])
      expect(answer.error?.message.slice(0, start.length)).to.equal(start)
      expect(await answerTo('{"jsonrpc":"2.0","id":"next","method":"ping"}')).to.deep.include({
        id: 'next',
        result: {},
      })
    })
  }

  it('never answers a notification, and tells whoever reads the log that it was refused', async () => {
    input.write('{"jsonrpc":"2.0","method":"notifications/initialized","params":[]}\n')
    await eventually(() => warnings.length === 1)
    expect(warnings[0]).to.include('a notification was lost: `params` must be an object')
    expect(answers).to.deep.equal([])
  })
})
