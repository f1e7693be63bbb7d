import { request } from 'node:http'
import { expect } from 'chai'
import { WebSocket } from 'ws'
import { type Answer, Service } from '../support/service.ts'
import { SessionListener } from '../support/session-listener.ts'

const unknown = '00000000-0000-4000-8000-000000000000'

describe('bad inputs', function () {
  this.timeout(60_000)
  let service: Service
  let pid: number | undefined
  let session: string

  before(async () => {
    service = await Service.start()
    pid = service.process.pid
    const { session_id, event_id } = await service.say('well-behaved', 'say hello')
    session = session_id
    await finalOf(session, event_id)
  })
  after(() => service.release())

  afterEach('nothing crashed, nothing is lost, the next one is served', async () => {
    expect(service.process.pid).to.equal(pid)
    expect(service.process.running).to.equal(true)
    const { session_id, event_id } = await service.say('well-behaved', 'say still here')
    expect((await finalOf(session_id, event_id)).message).to.equal('still here')
  })

  describe('of requests', () => {
    const message = '/v1/session/message'
    const rows: readonly {
      input: string
      send: () => Promise<Answer>
      status: number
      code: string
      also?: (answer: Answer) => void
    }[] = [
      {
        input: 'invalid JSON',
        send: () => service.post(message, '{"message": '),
        status: 400,
        code: 'MALFORMED_JSON',
      },
      {
        input: 'an empty body',
        send: () => service.request('POST', message, '', { 'content-type': 'application/json' }),
        status: 400,
        code: 'INVALID_REQUEST',
      },
      {
        input: 'wrong types',
        send: () => service.post(message, { message: 42, attachments: 'none' }),
        status: 400,
        code: 'INVALID_REQUEST',
        also: ({ body }) =>
          expect(body.errors.map(({ path }: { path: string }) => path)).to.have.members([
            'body/message',
            'body/attachments',
          ]),
      },
      {
        input: 'a content type that is not JSON',
        send: () => service.post(message, 'message=hello', { 'content-type': 'text/csv' }),
        status: 415,
        code: 'UNSUPPORTED_MEDIA_TYPE',
      },
      {
        input: 'a message of 10 MB',
        send: () => service.post(message, { message: 'x'.repeat(10 * 1024 * 1024) }),
        status: 413,
        code: 'PAYLOAD_TOO_LARGE',
      },
      {
        input: 'JSON nested ten thousand deep',
        send: () =>
          service.post(message, `{"message":"x","metadata":{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}}`),
        status: 400,
        code: 'INVALID_REQUEST',
      },
      {
        input: 'an unknown session, read',
        send: () => service.get(`/v1/sessions/${unknown}/events`),
        status: 404,
        code: 'SESSION_NOT_FOUND',
      },
      {
        input: 'an unknown session, followed',
        send: () => service.get(`/v1/session/${unknown}/events`),
        status: 404,
        code: 'SESSION_NOT_FOUND',
      },
      {
        input: 'an unknown session, stopped',
        send: () => service.post(`/v1/sessions/${unknown}/stop`, {}),
        status: 404,
        code: 'SESSION_NOT_FOUND',
      },
      {
        input: 'a cursor that is none',
        send: () => service.get(`/v1/session/${session}/events?after=yesterday`),
        status: 400,
        code: 'INVALID_CURSOR',
      },
      {
        input: 'a cursor beyond the journal',
        send: () => service.get(`/v1/session/${session}/events?after=1000000`),
        status: 400,
        code: 'INVALID_CURSOR',
      },
      {
        input: 'an action that there is none',
        send: () => service.post('/v1/session/action', { session_id: session, action: 'dance' }),
        status: 422,
        code: 'UNKNOWN_ACTION',
      },
      {
        input: 'a persona that there is none',
        send: () => service.post(message, { message: 'hello', persona_id: 'nobody' }),
        status: 422,
        code: 'PERSONA_NOT_FOUND',
      },
      {
        input: 'an Idempotency-Key used for something else',
        send: async () => {
          await service.post(message, { session_id: session, message: 'say one' }, { 'idempotency-key': 'taken' })
          return service.post(message, { session_id: session, message: 'say two' }, { 'idempotency-key': 'taken' })
        },
        status: 422,
        code: 'IDEMPOTENCY_CONFLICT',
      },
      {
        input: 'a route that there is none',
        send: () => service.get('/v1/nothing-here'),
        status: 404,
        code: 'ROUTE_NOT_FOUND',
      },
      {
        input: 'a foreign Origin',
        send: () => service.post(message, { message: 'hello' }, { origin: 'https://evil.example' }),
        status: 403,
        code: 'ORIGIN_REJECTED',
      },
      {
        input: 'a foreign Host (DNS rebinding)',
        send: () => withHost('evil.example'),
        status: 421,
        code: 'HOST_REJECTED',
      },
    ]

    for (const { input, send, status, code, also } of rows) {
      it(`${input}: ${status} ${code}`, async () => {
        const answer = await send()
        expect({ status: answer.status, code: answer.body.code }, JSON.stringify(answer.body)).to.deep.equal({
          status,
          code,
        })
        expect(answer.headers.get('content-type')).to.include('application/problem+json')
        expect(answer.body.remedy).to.be.a('string').and.not.equal('')
        also?.(answer)
      })
    }

    it('a foreign Origin on a WebSocket: refused before the upgrade', async () => {
      const socket = new WebSocket(`${service.url.replace('http', 'ws')}/v1/session/${session}/stream`, {
        origin: 'https://evil.example',
      })
      const status = await new Promise((resolve) => {
        socket.once('unexpected-response', (_request, response) => resolve(response.statusCode))
        socket.once('open', () => resolve('open'))
        socket.on('error', () => {})
      })
      socket.terminate()
      expect(status).to.equal(403)
    })
  })

  describe('of models and tools', () => {
    it('tool arguments that do not fit: told to the model with what is wrong, and the turn goes on', async () => {
      const { result, final } = await toolTurn('call echo {"text":5}\nthen\nsay I see')
      expect(result.metadata).to.include({ status: 'error', code: 'TOOL_ARGUMENTS' })
      expect(result.message).to.include('text')
      expect(final.message).to.equal('I see')
    })

    it('tool arguments that are not JSON: the same', async () => {
      const { result, final } = await toolTurn('rubbish echo\nthen\nsay I see')
      expect(result.metadata).to.include({ status: 'error', code: 'TOOL_ARGUMENTS' })
      expect(final.message).to.equal('I see')
    })

    it('a tool that there is none: the model is told which there are', async () => {
      const { result, final } = await toolTurn('call teleport {}\nthen\nsay I see')
      expect(result.metadata).to.include({ status: 'error', code: 'TOOL_NOT_FOUND' })
      expect(result.message).to.include('echo')
      expect(final.message).to.equal('I see')
    })

    for (const { answer, script, code } of [
      { answer: 'rubbish that is not the protocol', script: 'garbage', code: 'MODEL_GARBLED' },
      { answer: 'a refusal', script: 'fail 401', code: 'MODEL_REJECTED' },
    ]) {
      it(`a model that answers ${answer}: the turn ends with ${code}, the session goes on`, async () => {
        const { session_id, event_id } = await service.say(`model-${code}`, script)
        const { metadata } = await finalOf(session_id, event_id)
        expect(metadata).to.include({ outcome: 'failed', code })
        const next = await service.say(`model-${code}`, 'say better')
        expect((await finalOf(session_id, next.event_id)).message).to.equal('better')
      })
    }
  })

  async function finalOf(sessionId: string, turnId: string) {
    const listener = await SessionListener.open(service.url, sessionId)
    try {
      return (await listener.final(turnId)).event
    } finally {
      listener.close()
    }
  }

  async function toolTurn(script: string) {
    const { body } = await service.post('/v1/session/message', { message: script })
    const listener = await SessionListener.open(service.url, body.session_id)
    const { event: final } = await listener.final()
    listener.close()
    const result = listener.events.find(({ event }) => event.type === 'tool.result')?.event
    if (!result) throw new Error(`no tool.result among ${listener.types.join(', ')}`)
    return { result, final }
  }

  /** fetch does not let its caller choose the Host. */
  function withHost(host: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const outgoing = request(`${service.url}/v1/sessions`, { headers: { host } }, async (response) => {
        let told = ''
        for await (const chunk of response) told += chunk
        const headers = new Headers({ 'content-type': response.headers['content-type'] ?? '' })
        resolve({ status: response.statusCode ?? 0, headers, body: JSON.parse(told) })
      })
      outgoing.once('error', reject).end()
    })
  }
})
