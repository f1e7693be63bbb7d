import { expect } from 'chai'
import OpenAI from 'openai'
import { type ModelServer, reply, startModelServer } from '../support/model-server.ts'
import { describePython, runPython } from '../support/python.ts'
import { Service } from '../support/service.ts'

const model = 'rehearsal/script'
const withServerTool = 'call echo {"text":"from the server"}\nthen\nsay one'
const streamed = 'stream 5 10 two in a few words'
const withClientTool = 'call lookup {"word":"three"}\nthen\nsay three'

const lookup = {
  type: 'function',
  function: {
    name: 'lookup',
    description: 'Looks a word up.',
    parameters: { type: 'object', properties: { word: { type: 'string' } } },
  },
} as const

/** What every client's conversation must have left in the journal, whatever language it was written in. */
const journaled = {
  users: [withServerTool, streamed, withClientTool],
  answers: ['one', 'two in a few words', '', 'three'],
  toolResults: ['from the server'],
}

describe('OpenAI clients', function () {
  this.timeout(90_000)
  let service: Service
  let client: OpenAI
  before(async () => {
    service = await Service.start()
    client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'none', maxRetries: 0 })
  })
  after(() => service.release())

  async function journalOf(session: string) {
    const { body } = await service.get(`/v1/sessions/${session}/events?limit=500`)
    const events = body.events.map((one: { payload: unknown }) => one.payload) as {
      type: string
      message: string
    }[]
    const messages = (type: string) => events.filter((event) => event.type === type).map(({ message }) => message)
    return {
      users: messages('user.message').filter((message) => message !== ''),
      answers: messages('assistant.final'),
      toolResults: messages('tool.result').filter((message) => message !== 'meaning of three'),
    }
  }

  it('lists the models', async () => {
    const ids = (await client.models.list()).data.map(({ id }) => id)
    expect(ids).to.include(model)
  })

  it('holds a conversation of three turns on one durable session: whole, streamed, with tools of both sides', async () => {
    const metadata = { session_id: 'npm-client' }
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: withServerTool }]
    const first = await client.chat.completions.create({ model, messages, metadata })
    expect(first.choices[0]?.message.content).to.equal('one')
    expect(first.choices[0]?.finish_reason).to.equal('stop')
    expect(first.usage?.total_tokens).to.be.greaterThan(0)

    messages.push({ role: 'assistant', content: 'one' }, { role: 'user', content: streamed })
    const stream = await client.chat.completions.create({
      model,
      messages,
      metadata,
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    let pieces = 0
    let finish: string | null | undefined
    let usage: unknown
    for await (const chunk of stream) {
      const [choice] = chunk.choices
      if (choice?.delta.content) pieces++
      text += choice?.delta.content ?? ''
      finish = choice?.finish_reason ?? finish
      usage = chunk.usage ?? usage
    }
    expect(text).to.equal('two in a few words')
    expect(pieces).to.be.greaterThan(1)
    expect(finish).to.equal('stop')
    expect(usage).to.have.property('total_tokens')

    messages.push({ role: 'assistant', content: text }, { role: 'user', content: withClientTool })
    const asked = await client.chat.completions.create({ model, messages, metadata, tools: [lookup] })
    const [choice] = asked.choices
    expect(choice?.finish_reason).to.equal('tool_calls')
    const [call] = choice?.message.tool_calls ?? []
    expect(call?.function).to.deep.equal({ name: 'lookup', arguments: '{"word":"three"}' })
    messages.push(choice?.message as OpenAI.ChatCompletionMessageParam, {
      role: 'tool',
      tool_call_id: call?.id ?? '',
      content: 'meaning of three',
    })
    const last = await client.chat.completions.create({ model, messages, metadata, tools: [lookup] })
    expect(last.choices[0]?.message.content).to.equal('three')

    expect(await journalOf('npm-client')).to.deep.equal(journaled)
  })

  it('goes on with previous_response_id, and reads a response again', async () => {
    const first = await client.responses.create({ model, input: 'say the first' })
    expect(first.output_text).to.equal('the first')
    const second = await client.responses.create({ model, input: 'say the second', previous_response_id: first.id })
    expect(second.output_text).to.equal('the second')
    const stream = await client.responses.create({
      model,
      input: 'stream 4 10 the third in pieces',
      previous_response_id: second.id,
      stream: true,
    })
    let text = ''
    const types = new Set<string>()
    let id = ''
    for await (const event of stream) {
      types.add(event.type)
      if (event.type === 'response.output_text.delta') text += event.delta
      if (event.type === 'response.completed') id = event.response.id
    }
    expect(text).to.equal('the third in pieces')
    expect([...types]).to.include.members(['response.created', 'response.output_text.delta', 'response.completed'])
    const again = await client.responses.retrieve(id)
    expect(again.status).to.equal('completed')
    expect(again.output).to.have.length.greaterThan(0)

    const { body } = await service.get('/v1/sessions')
    const sessions = body.sessions as { session_id: string; title: string | null }[]
    const [session] = sessions.filter(({ title }) => title === 'say the first')
    expect((await journalOf(session?.session_id ?? '')).answers).to.deep.equal([
      'the first',
      'the second',
      'the third in pieces',
    ])
  })

  it('raises the error that the client knows, with our code', async () => {
    const error = await client.chat.completions
      .create({ model: 'no-such-model', messages: [{ role: 'user', content: 'hello' }] })
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
    expect(error).to.be.instanceOf(OpenAI.NotFoundError)
    expect((error as InstanceType<typeof OpenAI.APIError>).code).to.equal('MODEL_NOT_FOUND')
  })

  describePython('in Python', (python) => {
    it('hold the same conversation', async () => {
      const told = await runPython(python, 'openai-conversation.py', {
        base_url: `${service.url}/v1`,
        session: 'python-client',
        turns: [withServerTool, streamed, withClientTool],
      })
      expect(told).to.deep.equal({
        whole: 'one',
        streamed: 'two in a few words',
        client_tool: { name: 'lookup', arguments: '{"word":"three"}' },
        after_tool: 'three',
        response: 'the first',
        response_streamed: 'the second',
      })
      expect(await journalOf('python-client')).to.deep.equal(journaled)
    })
  })
})

describe('a model server of one’s own', function () {
  this.timeout(60_000)
  let server: ModelServer
  let service: Service
  before(async () => {
    server = await startModelServer([
      reply.calls({ name: 'echo', arguments: { text: 'a tool for the model' } }),
      reply.text('an answer from afar'),
    ])
    service = await Service.start({
      env: { SOMA_MODEL: '', OPENAI_BASE_URL: server.url, OPENAI_API_KEY: 'the-key' },
    })
  })
  after(async () => {
    await service?.release()
    await server?.close()
  })

  it('works with two environment variables: streaming, tool calls, the key', async () => {
    const client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'none', maxRetries: 0 })
    const answer = await client.chat.completions.create({
      model: 'model-a',
      messages: [{ role: 'user', content: 'hello out there' }],
    })
    expect(answer.choices[0]?.message.content).to.equal('an answer from afar')
    expect(server.requests).to.have.length(2)
    const [first, second] = server.requests
    expect(first?.headers.authorization).to.equal('Bearer the-key')
    expect(second?.body.messages.at(-1)).to.deep.include({ role: 'tool', content: 'a tool for the model' })
  })
})
