import { expect } from 'chai'
import type { ModelRequest } from '../../../transports/model/client.ts'
import { askFor, type CallRig, clientAt, hear, signal, tool } from '../../support/model-calls.ts'
import {
  delta,
  done,
  type ModelServer,
  type Reply,
  reply,
  startModelServer,
  toolDelta,
  usage,
} from '../../support/model-server.ts'

describe('the OpenAI-compatible client', () => {
  let server: ModelServer
  let rig: CallRig

  afterEach(async () => {
    await rig.close()
    await server.close()
  })

  async function answer(replies: Reply | Reply[], request: Partial<ModelRequest> = {}) {
    server = await startModelServer(Array.isArray(replies) ? replies : [replies])
    rig = clientAt(server.url, { apiKey: 'sk-test-key' })
    return hear(rig.client.stream(askFor('hi', request), signal))
  }

  describe('what it sends', () => {
    it('is the conversation with its tools, the key, and the wish for usage', async () => {
      const lookUp = tool('look_up', 'word')
      await answer(reply.text('ok'), {
        messages: [
          { role: 'system', content: 'be brief' },
          { role: 'user', content: 'look' },
          { role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'look_up', arguments: '{"word":"a"}' }] },
          { role: 'tool', toolCallId: 'c1', content: 'found' },
        ],
        tools: [lookUp],
        temperature: 0.5,
        maxTokens: 100,
      })
      const { body, headers } = await server.request(0)
      expect(headers.authorization).to.equal('Bearer sk-test-key')
      expect(body).to.deep.equal({
        model: 'model-a',
        messages: [
          { role: 'system', content: 'be brief' },
          { role: 'user', content: 'look' },
          {
            role: 'assistant',
            content: null,
            tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look_up', arguments: '{"word":"a"}' } }],
          },
          { role: 'tool', tool_call_id: 'c1', content: 'found' },
        ],
        tools: [{ type: 'function', function: lookUp }],
        temperature: 0.5,
        max_tokens: 100,
        stream: true,
        stream_options: { include_usage: true },
      })
    })

    it('never holds arguments that are not a JSON object, which chat templates choke on', async () => {
      const toolCalls = ['{"a":', '', '[1]'].map((text, i) => ({ id: `c${i}`, name: 'look_up', arguments: text }))
      await answer(reply.text('ok'), { messages: [{ role: 'assistant', content: '', toolCalls }] })
      const { body } = await server.request(0)
      const sent = body.messages[0]?.tool_calls as { function: { arguments: string } }[]
      expect(sent.map((call) => JSON.parse(call.function.arguments))).to.deep.equal([
        { unreadable_arguments: '{"a":' },
        {},
        { unreadable_arguments: '[1]' },
      ])
    })

    for (const [what, refusal, changed] of [
      ['stream_options', { error: { message: 'Unknown parameter: stream_options' } }, { stream_options: undefined }],
      [
        'stream_options, named only by its place',
        { detail: [{ type: 'extra_forbidden', loc: ['body', 'stream_options'] }] },
        { stream_options: undefined },
      ],
      [
        'max_tokens',
        { error: { message: "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead." } },
        { max_tokens: undefined, max_completion_tokens: 9 },
      ],
      [
        'temperature',
        { error: { message: "Unsupported value: 'temperature' does not support 0.5 with this model." } },
        { temperature: undefined },
      ],
    ] as const) {
      it(`leaves out ${what} once the server refused it, and remembers`, async () => {
        const replies = [reply.status(400, {}, refusal), reply.text('fine')]
        const request = { temperature: 0.5, maxTokens: 9 }
        expect((await answer(replies, request)).text).to.equal('fine')
        await hear(rig.client.stream(askFor('again', request), signal))
        expect(server.requests).to.have.length(3)
        for (const { body } of server.requests.slice(1)) {
          for (const [field, value] of Object.entries(changed)) expect(body[field]).to.equal(value)
        }
      })
    }
  })

  describe('what it hears', () => {
    it('is text, then usage once and finish once (C2)', async () => {
      const heard = await answer(reply.text('one two three'))
      expect(heard).to.deep.include({ text: 'one two three', finish: 'stop' })
      expect(heard.usage).to.deep.equal({ promptTokens: 11, completionTokens: 7 })
      expect(heard.kinds).to.deep.equal(['text', 'text', 'text', 'usage', 'finish'])
    })

    it('is the same from a server that does not stream', async () => {
      const call = { id: 'c1', type: 'function', function: { name: 'echo', arguments: '{"text":"a"}' } }
      const message = { role: 'assistant', content: 'see', tool_calls: [call] }
      const heard = await answer(reply.json({ choices: [{ index: 0, message, finish_reason: 'tool_calls' }], usage }))
      expect(heard).to.deep.include({ text: 'see', finish: 'tool_calls' })
      expect(heard.calls).to.deep.equal([{ id: 'c1', name: 'echo', arguments: '{"text":"a"}' }])
      expect(heard.usage?.promptTokens).to.equal(11)
    })

    it('is several tool calls, put together by index', async () => {
      const heard = await answer(
        reply.calls({ name: 'echo', arguments: { text: 'a' } }, { name: 'timestamp', arguments: {} }),
      )
      expect(heard.finish).to.equal('tool_calls')
      expect(heard.calls).to.deep.equal([
        { id: 'call_0', name: 'echo', arguments: '{"text":"a"}' },
        { id: 'call_1', name: 'timestamp', arguments: '{}' },
      ])
    })

    it('is tool_calls even when the server says stop after them', async () => {
      const call = { index: 0, id: 'c1', function: { name: 'echo', arguments: '{}' } }
      expect((await answer(reply.stream(toolDelta(call), delta({}, 'stop'), done))).finish).to.equal('tool_calls')
    })

    it('is never reasoning, in a field or inline', async () => {
      const parts = [
        delta({ reasoning_content: 'hm' }),
        delta({ reasoning: 'hm' }),
        delta({ content: '<thi' }),
        delta({ content: 'nk>secret</think>\n\nyes' }),
        delta({}, 'stop'),
      ]
      expect((await answer(reply.stream(...parts, done))).text).to.equal('yes')
    })

    it('is an estimate of usage where the server gives none', async () => {
      const heard = await answer(reply.stream(delta({ content: 'x'.repeat(400) }), delta({}, 'stop'), done))
      expect(heard.usage).to.deep.equal({ promptTokens: 5, completionTokens: 100 })
    })

    it('is complete without [DONE], without the last blank line, and with comments in between', async () => {
      const last = `data: ${JSON.stringify(delta({ content: 'b' }, 'length'))}`
      const heard = await answer(reply.stream(': wait\n\n', delta({ content: 'a' }), ': still here\n\n', last))
      expect(heard).to.deep.include({ text: 'ab', finish: 'length' })
    })

    it('is whole characters, however the bytes are cut', async () => {
      const bytes = Buffer.from(`data: ${JSON.stringify(delta({ content: 'añ€😀' }, 'stop'))}\n\n`)
      const byByte: Reply = (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        for (const byte of bytes) response.write(Buffer.of(byte))
        response.end()
      }
      expect((await answer(byByte)).text).to.equal('añ€😀')
    })

    it('keeps its connection for call after call', async () => {
      await answer(reply.text('one'))
      for (let i = 0; i < 10; i++) await hear(rig.client.stream(askFor('more'), signal))
      // A call may begin in the moment before the socket of the last one is free again.
      expect(server.connections).to.be.at.most(2)
    })
  })

  it('asks for the first model of the server when none is named', async () => {
    await answer(reply.text('ok'), { model: 'auto' })
    expect((await server.request(0)).body.model).to.equal('model-a')
  })
})
