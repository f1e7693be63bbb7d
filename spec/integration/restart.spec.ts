import { expect } from 'chai'
import { Service } from '../support/service.ts'
import { SessionListener } from '../support/session-listener.ts'

describe('a restart after kill -9', function () {
  this.timeout(90_000)
  let service: Service
  before(async () => {
    service = await Service.start({ fresh: true })
  })
  after(() => service.release())

  it('keeps the conversation, answers what was open, and lets a reader resume at its cursor', async () => {
    const { session_id, event_id } = await service.say('kept', 'say the first answer')
    const before = await SessionListener.open(service.url, session_id)
    await before.final(event_id)
    const open = await service.say('kept', 'stream 40 50 the second answer, interrupted in the middle')
    await before.until(
      ({ type, metadata }) => type === 'assistant.stream' && metadata.turn_id === open.event_id,
      'a preview of the second answer',
    )
    await service.kill()
    const seen = before.events
    const cursor = seen.at(-1)?.seq ?? 0

    await service.start()
    const rest = await SessionListener.open(service.url, session_id, { after: cursor })
    const { event: final } = await rest.final(open.event_id)
    expect(final.message).to.equal('the second answer, interrupted in the middle')
    expect(rest.types).to.include('assistant.restarted')
    const third = await service.say('kept', 'say the third answer')
    await rest.final(third.event_id)
    rest.close()

    const seqs = [...seen, ...rest.events].map(({ seq }) => seq)
    expect(seqs).to.deep.equal(seqs.map((_seq, index) => index + 1))
    const { body } = await service.get(`/v1/sessions/${session_id}/history`)
    expect(body.history.map((one: { content: string }) => one.content)).to.deep.equal([
      'say the first answer',
      'the first answer',
      'stream 40 50 the second answer, interrupted in the middle',
      'the second answer, interrupted in the middle',
      'say the third answer',
      'the third answer',
    ])
  })

  it('stops cleanly on SIGTERM, within its drain, and goes on afterwards', async () => {
    const { session_id, event_id } = await service.say(
      'drained',
      'stream 20 50 a long answer that outlives the process',
    )
    expect(await service.stop()).to.equal(0)
    await service.start()
    const listener = await SessionListener.open(service.url, session_id)
    const { event } = await listener.final(event_id)
    listener.close()
    expect(event.message).to.equal('a long answer that outlives the process')
    expect(listener.types.filter((type) => type === 'assistant.final')).to.have.length(1)
  })
})
