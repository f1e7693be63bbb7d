import { expect } from 'chai'
import { type Answer, Service } from '../support/service.ts'
import { SessionListener } from '../support/session-listener.ts'

const script = 'call echo {"text":"from the tool"}\nthen\nstream 4 10 that was all of it'

describe('the way of one message', function () {
  this.timeout(60_000)
  let service: Service
  before(async () => {
    service = await Service.start()
  })
  after(() => service.release())

  it('goes from the gateway to a session, a model and a tool, and back as a stream', async () => {
    const { session_id, event_id } = await service.say('one-message', script)
    const listener = await SessionListener.open(service.url, session_id)
    const { event: final } = await listener.final(event_id)
    listener.close()

    expect(listener.types).to.deep.equal([
      'session.started',
      'user.message',
      'turn.started',
      'assistant.started',
      'assistant.thinking',
      'tool.start',
      'tool.result',
      'assistant.started',
      'assistant.thinking',
      'assistant.final',
    ])
    expect(listener.events.map(({ seq }) => seq)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    const result = listener.events[6]?.event
    expect(result?.message).to.equal('from the tool')
    expect(result?.metadata).to.deep.include({ status: 'success', turn_id: event_id })
    expect(result?.metadata.decision).to.include({ allow: true })
    expect(final.message).to.equal('that was all of it')
    expect(final.metadata).to.deep.include({ outcome: 'completed', finish_reason: 'stop', turn_id: event_id })
  })

  it('shows the text while it comes, as previews without a cursor', async () => {
    const { session_id } = await service.say('previews', 'say hello')
    const listener = await SessionListener.open(service.url, session_id)
    await listener.final()
    const { event_id } = await service.say('previews', 'stream 6 40 one two three four five six')
    await listener.final(event_id)
    listener.close()
    const previews = listener.heard.filter(
      ({ event }) => event.type === 'assistant.stream' && event.metadata.turn_id === event_id,
    )
    expect(previews.length).to.be.greaterThan(2)
    for (const { seq, event } of previews) {
      expect(seq).to.equal(undefined)
      expect('one two three four five six'.startsWith(event.message)).to.equal(true)
    }
  })

  for (const resumeBy of ['after', 'last-event-id'] as const) {
    it(`resumes at every cursor by ${resumeBy}: each event once and in order`, async () => {
      const { session_id, event_id } = await service.say(`resume-${resumeBy}`, script)
      const whole = await SessionListener.open(service.url, session_id)
      await whole.final(event_id)
      whole.close()
      const last = whole.events.length
      expect(last).to.equal(10)
      for (let cursor = 1; cursor < last; cursor++) {
        const how = resumeBy === 'after' ? { after: cursor } : { headers: { 'last-event-id': String(cursor) } }
        const rest = await SessionListener.open(service.url, session_id, how)
        await rest.until((_event, { seq }) => seq === last)
        rest.close()
        expect(rest.events.map(({ event }) => event)).to.deep.equal(
          whole.events.slice(cursor).map(({ event }) => event),
        )
      }
    })
  }

  it('tells the same by pages of the journal as by the stream', async () => {
    const { session_id, event_id } = await service.say('pages', script)
    const listener = await SessionListener.open(service.url, session_id)
    await listener.final(event_id)
    listener.close()
    const paged: unknown[] = []
    for (let after: number | null = 0; after !== null; ) {
      const { body } = await service.get(`/v1/sessions/${session_id}/events?after=${after}&limit=3`)
      paged.push(...body.events.map((one: { payload: unknown }) => one.payload))
      after = body.next_cursor
    }
    expect(paged).to.deep.equal(listener.events.map(({ event }) => event))
  })

  it('takes a message with the same Idempotency-Key once', async () => {
    const body = { session_id: 'idempotent', message: 'say once' }
    const key = { 'idempotency-key': 'the-same' }
    const answers = await Promise.all([1, 2, 3].map(() => service.post('/v1/session/message', body, key)))
    expect(new Set(answers.map(({ body: { event_id } }) => event_id)).size).to.equal(1)
    const [{ body: first }] = answers as [Answer, ...Answer[]]
    const { event_id } = await service.say('idempotent', 'say after')
    const listener = await SessionListener.open(service.url, first.session_id)
    await listener.final(event_id)
    listener.close()
    expect(listener.types.filter((type) => type === 'user.message')).to.have.length(2)
    expect(listener.types.filter((type) => type === 'assistant.final')).to.have.length(2)
  })
})
