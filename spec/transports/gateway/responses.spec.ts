import { expect } from 'chai'
import OpenAI, { APIError } from 'openai'
import { type GatewayHarness, startGateway } from '../../support/gateway-harness.ts'

describe('responses with the unmodified openai client', () => {
  let harness: GatewayHarness
  let openai: OpenAI

  beforeEach(async () => {
    harness = await startGateway()
    openai = new OpenAI({ baseURL: `${harness.url}/v1`, apiKey: 'none', maxRetries: 0 })
  })
  afterEach(() => harness.close())

  it('answers a text, goes on by previous_response_id, and is read again by its id', async () => {
    const first = await openai.responses.create({ model: 'rehearsal/demo', input: 'hello', instructions: 'Be brief.' })
    expect(first.status).to.equal('completed')
    expect(first.output_text).to.equal('You said: hello')
    expect(first.usage).to.include({ input_tokens: 3, output_tokens: 4, total_tokens: 7 })
    const second = await openai.responses.create({
      model: 'rehearsal/demo',
      input: [{ role: 'user', content: [{ type: 'input_text', text: 'again' }] }],
      previous_response_id: first.id,
    })
    expect(second.output_text).to.equal('You said: again')
    expect(harness.sent[1]?.to).to.equal(harness.sent[0]?.to)
    expect(harness.sent[0]?.body).to.include({ instructions: 'Be brief.' })
    const read = await openai.responses.retrieve(first.id)
    expect(read).to.include({ id: first.id, status: 'completed' })
    expect(read.output).to.deep.equal(first.output)
  })

  it('names the model that answered, now and when it is read again, whatever name was asked for', async () => {
    for (const name of ['pirate', 'persona/pirate', 'rehearsal/echo']) {
      const first = await openai.responses.create({ model: name, input: 'hello' })
      expect(first.model).to.equal('rehearsal/demo')
      expect((await openai.responses.retrieve(first.id)).model).to.equal(first.model)
    }
  })

  it('lists every name that works as a model', async () => {
    const names = (await openai.models.list()).data
    expect(names.map(({ id }) => id)).to.include.members(['pirate', 'persona/pirate', 'rehearsal/demo'])
    expect(names.every(({ owned_by }) => owned_by === 'somaagent')).to.equal(true)
    for (const { id } of names)
      expect((await openai.responses.create({ model: id, input: 'x' })).status).to.equal('completed')
  })

  it('goes on in a conversation by its name or by the id it was answered', async () => {
    const ask = (conversation: string) =>
      openai.responses.create({ model: 'rehearsal/demo', input: 'x', conversation } as never)
    const first = (await ask('my talk')) as OpenAI.Responses.Response & { conversation: { id: string } }
    await ask(first.conversation.id)
    await ask('my talk')
    expect(new Set(harness.sent.map(({ to }) => to)).size).to.equal(1)
  })

  it('streams numbered events from created to completed, whose pieces are the text', async () => {
    harness.sessions.script = (turn) =>
      turn.say('Let me see.').callTool('timestamp', {}, '12').say('It is 12.').finish()
    const stream = await openai.responses.create({ model: 'rehearsal/demo', input: 'time?', stream: true })
    const types: string[] = []
    let text = ''
    let done = ''
    let completed: OpenAI.Responses.Response | undefined
    let number = 0
    for await (const event of stream) {
      types.push(event.type)
      expect((event as unknown as { sequence_number: number }).sequence_number).to.equal(number++)
      if (event.type === 'response.output_text.delta') text += event.delta
      if (event.type === 'response.output_text.done') done = event.text
      if (event.type === 'response.completed') completed = event.response
    }
    expect(types.filter((type) => type !== 'response.output_text.delta')).to.deep.equal([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(text).to.equal('Let me see.\n\nIt is 12.')
    expect(done).to.equal(text)
    expect(completed?.status).to.equal('completed')
  })

  it('hands over function calls, and takes their outputs', async () => {
    harness.sessions.script = (turn) =>
      turn.command.toolResults
        ? turn.say('Thanks.').finish()
        : turn.start().finish({
            outcome: 'client_tools',
            finish_reason: 'tool_calls',
            tool_calls: [{ id: 'call_a', name: 'weather', arguments: '{"city":"Oslo"}' }],
          })
    const tools = [
      { type: 'function' as const, name: 'weather', description: '', parameters: { type: 'object' }, strict: false },
    ]
    const asked = await openai.responses.create({ model: 'rehearsal/demo', input: 'weather?', tools })
    const [call] = asked.output
    expect(call).to.include({ type: 'function_call', call_id: 'call_a', name: 'weather', arguments: '{"city":"Oslo"}' })
    const told = await openai.responses.create({
      model: 'rehearsal/demo',
      previous_response_id: asked.id,
      input: [{ type: 'function_call_output', call_id: 'call_a', output: 'sunny' }],
      tools,
    })
    expect(told.output_text).to.equal('Thanks.')
    expect(harness.sent[1]?.body).to.have.deep.property('toolResults', [{ toolCallId: 'call_a', content: 'sunny' }])
  })

  it('says when a response is not there, and when its id is not one', async () => {
    const first = await openai.responses.create({ model: 'rehearsal/demo', input: 'hello' })
    const tries = [`${first.id.slice(0, -4)}0000`, 'resp_rubbish']
    for (const id of tries) {
      const error = (await openai.responses.retrieve(id).catch((reason: unknown) => reason)) as APIError
      expect(error).to.be.instanceOf(APIError)
      expect(error.code).to.equal('TURN_NOT_FOUND')
    }
    const lost = await openai.responses
      .create({ model: 'rehearsal/demo', input: 'x', previous_response_id: `resp_${'0'.repeat(64)}` })
      .catch((reason: unknown) => reason)
    expect((lost as APIError).code).to.equal('SESSION_NOT_FOUND')
  })
})
