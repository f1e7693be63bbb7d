import { expect } from 'chai'
import OpenAI, { APIError } from 'openai'
import { type GatewayHarness, startGateway } from '../../support/gateway-harness.ts'

describe('chat completions with the unmodified openai client', () => {
  let harness: GatewayHarness
  let openai: OpenAI

  beforeEach(async () => {
    harness = await startGateway()
    openai = new OpenAI({ baseURL: `${harness.url}/v1`, apiKey: 'none' })
  })

  afterEach(() => harness.close())

  it('answers a message, with usage and the ids of its session and turn', async () => {
    const { data, response } = await openai.chat.completions
      .create({ model: 'rehearsal/demo', messages: [{ role: 'user', content: 'hello' }] })
      .withResponse()
    expect(data.choices[0]?.message.content).to.equal('You said: hello')
    expect(data.choices[0]?.finish_reason).to.equal('stop')
    expect(data.usage).to.deep.equal({ prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 })
    expect(response.headers.get('x-session-id')).to.match(/^[0-9a-f-]{36}$/)
    expect(data.id).to.equal(`chatcmpl-${response.headers.get('x-turn-id')?.replaceAll('-', '')}`)
  })

  it('streams the same text in pieces, and usage when asked', async () => {
    const stream = await openai.chat.completions.create({
      model: 'rehearsal/demo',
      messages: [{ role: 'user', content: 'hello there' }],
      stream: true,
      stream_options: { include_usage: true },
    })
    const pieces: string[] = []
    let usage: unknown
    let finish: unknown
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) pieces.push(chunk.choices[0].delta.content)
      finish = chunk.choices[0]?.finish_reason ?? finish
      usage = chunk.usage ?? usage
    }
    expect(pieces.join('')).to.equal('You said: hello there')
    expect(finish).to.equal('stop')
    expect(usage).to.deep.equal({ prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 })
  })

  it('says the same streamed or not when tools of the server run in between', async () => {
    harness.sessions.script = (turn) =>
      turn.say('Let me see.').callTool('timestamp', {}, '12:00').say('It is 12:00.').finish()
    const body = { model: 'rehearsal/demo', messages: [{ role: 'user' as const, content: 'what time is it?' }] }
    const whole = await openai.chat.completions.create(body)
    let streamed = ''
    for await (const chunk of await openai.chat.completions.create({ ...body, stream: true })) {
      streamed += chunk.choices[0]?.delta.content ?? ''
    }
    expect(whole.choices[0]?.message.content).to.equal('Let me see.\n\nIt is 12:00.')
    expect(streamed).to.equal(whole.choices[0]?.message.content)
  })

  it('gives a session only the messages after the last answer, and a new one all of them', async () => {
    const messages = [
      { role: 'system' as const, content: 'Be brief.' },
      { role: 'user' as const, content: 'one' },
      { role: 'assistant' as const, content: 'first' },
      { role: 'user' as const, content: [{ type: 'text' as const, text: 'two' }] },
    ]
    await openai.chat.completions.create({ model: 'rehearsal/demo', messages })
    await openai.chat.completions.create({ model: 'rehearsal/demo', messages, metadata: { session_id: 'mine' } })
    const [own, named] = harness.sent
    for (const envelope of [own, named]) {
      expect(envelope?.body).to.include({ text: 'two', instructions: 'Be brief.' })
      expect(envelope?.body).to.have.deep.property('history', [
        { role: 'user', content: 'one' },
        { role: 'assistant', content: 'first' },
      ])
    }
    expect(named?.to).to.not.equal(own?.to)
    await openai.chat.completions.create({ model: 'rehearsal/demo', messages }, { headers: { 'x-session-id': 'mine' } })
    expect(harness.sent[2]?.to).to.equal(named?.to)
  })

  it('hands over calls of the client’s tools and takes their results', async () => {
    harness.sessions.script = (turn) =>
      turn.command.toolResults
        ? turn.say(`The client said ${turn.command.toolResults[0]?.content}.`).finish()
        : turn.start().finish({
            outcome: 'client_tools',
            finish_reason: 'tool_calls',
            tool_calls: [{ id: 'call_a', call_id: 's/1', name: 'weather', arguments: '{"city":"Oslo"}' }],
          })
    const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: { type: 'object' } } }]
    const question = { role: 'user' as const, content: 'weather?' }
    const asked = await openai.chat.completions.create({ model: 'rehearsal/demo', messages: [question], tools })
    const choice = asked.choices[0]
    expect(choice?.finish_reason).to.equal('tool_calls')
    expect(choice?.message.tool_calls).to.deep.equal([
      { id: 'call_a', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
    ])
    const answer = { role: 'tool' as const, tool_call_id: 'call_a', content: 'sunny' }
    const told = await openai.chat.completions.create({
      model: 'rehearsal/demo',
      messages: [question, choice?.message as OpenAI.ChatCompletionMessage, answer],
      tools,
    })
    expect(told.choices[0]?.message.content).to.equal('The client said sunny.')
    expect(harness.sent[1]?.body).to.have.deep.property('toolResults', [{ toolCallId: 'call_a', content: 'sunny' }])

    const runner = await openai.chat.completions.create({
      model: 'rehearsal/demo',
      messages: [question],
      tools,
      stream: true,
    })
    const calls = []
    for await (const chunk of runner) calls.push(...(chunk.choices[0]?.delta.tool_calls ?? []))
    expect(calls[0]?.function?.name).to.equal('weather')
  })

  it('tells a failed turn as a typed error with our code, once, streamed or not', async () => {
    harness.sessions.script = (turn) => turn.start().fail('BUDGET_EXCEEDED', 'The day is spent.')
    for (const stream of [false, true]) {
      const before = harness.sent.length
      const error = await openai.chat.completions
        .create({ model: 'rehearsal/demo', messages: [{ role: 'user', content: 'x' }], stream })
        .then(
          () => undefined,
          (reason: unknown) => reason,
        )
      expect(error).to.be.instanceOf(OpenAI.RateLimitError)
      expect((error as APIError).code).to.equal('BUDGET_EXCEEDED')
      expect(harness.sent.length - before, 'the client must not repeat the turn').to.equal(1)
    }
  })

  it('ends a stream that fails in its middle with an error event', async () => {
    harness.sessions.script = (turn) => turn.say('Well,').fail('MODEL_UNAVAILABLE', 'It went away.')
    const stream = await openai.chat.completions.create({
      model: 'rehearsal/demo',
      messages: [{ role: 'user', content: 'x' }],
      stream: true,
    })
    let text = ''
    let error: unknown
    try {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    } catch (reason) {
      error = reason
    }
    expect(text).to.equal('Well,')
    expect(error).to.be.instanceOf(APIError)
    expect((error as APIError).code).to.equal('MODEL_UNAVAILABLE')
  })

  it('refuses what it cannot honour, naming the field, and unknown models, naming those there are', async () => {
    const base = { model: 'rehearsal/demo', messages: [{ role: 'user' as const, content: 'x' }] }
    const refusals: [object, string][] = [
      [{ n: 2 }, 'n'],
      [{ response_format: { type: 'json_object' } }, 'response_format'],
      [{ tool_choice: 'required' }, 'tool_choice'],
      [{ stop: ['x'] }, 'stop'],
      [{ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] }, 'image_url'],
    ]
    for (const [fields, name] of refusals) {
      const error = (await openai.chat.completions
        .create({ ...base, ...fields } as never)
        .catch((reason: unknown) => reason)) as APIError
      expect(error.status, name).to.equal(400)
      expect(error.message).to.contain(name)
    }
    const error = (await openai.chat.completions
      .create({ ...base, model: 'gpt-9' })
      .catch((reason: unknown) => reason)) as APIError
    expect(error.status).to.equal(404)
    expect(error.message).to.contain('rehearsal/echo').and.contain('persona/pirate')
    expect(harness.sent).to.have.length(0)
  })

  it('takes a persona as a model', async () => {
    await openai.chat.completions.create({ model: 'persona/pirate', messages: [{ role: 'user', content: 'x' }] })
    expect(harness.sent[0]?.body).to.include({ personaId: 'pirate' }).and.not.have.property('model')
  })

  it('joins the same turn when the request is repeated with its Idempotency-Key', async () => {
    const ask = () =>
      openai.chat.completions.create(
        { model: 'rehearsal/demo', messages: [{ role: 'user', content: 'once' }] },
        { headers: { 'idempotency-key': 'k1' } },
      )
    const first = await ask()
    const second = await ask()
    expect(second.id).to.equal(first.id)
    expect(second.choices[0]?.message.content).to.equal('You said: once')
    const journal = [...harness.sessions.journals.values()]
    expect(journal).to.have.length(1)
    expect(journal[0]?.filter(({ event }) => event.type === 'assistant.final')).to.have.length(1)
  })

  it('lists models and personas, and finds one', async () => {
    const names = []
    for await (const model of openai.models.list()) names.push(model.id)
    expect(names).to.include.members(['rehearsal/demo', 'rehearsal/echo', 'persona/default', 'persona/pirate'])
    expect((await openai.models.retrieve('rehearsal/echo')).id).to.equal('rehearsal/echo')
  })
})
