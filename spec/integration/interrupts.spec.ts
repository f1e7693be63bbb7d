import { expect } from 'chai'
import type { ConversationEvent } from '../../transports/outbound.ts'
import { Service } from '../support/service.ts'
import { SessionListener } from '../support/session-listener.ts'

const WITHIN_MS = 200
/** The promise is about the service, not about one hiccup of a shared machine: the middle one of these counts. */
const TRIES = 5

/** Deaf: it does not even listen to its signal, which is how a tool hangs in life. */
const hangs = `export default ({ z }) => ({
  name: 'hangs', description: 'Never comes back.', schema: z.object({}), idempotent: true, timeoutMs: 60000,
  reaches: ['nothing'], run: () => new Promise(() => {}),
})`

interface Interrupt {
  readonly name: string
  readonly path: string
  readonly body: object
  /** The journaled event that shows that it took effect. */
  takesEffect(event: ConversationEvent): boolean
}

const interrupts: readonly Interrupt[] = [
  {
    name: 'stop',
    path: 'stop',
    body: {},
    takesEffect: ({ type, metadata }) => type === 'assistant.final' && metadata.outcome === 'stopped',
  },
  { name: 'pause', path: 'pause', body: { paused: true }, takesEffect: ({ type }) => type === 'session.paused' },
  {
    name: 'an intervention',
    path: 'intervene',
    body: { text: 'say I changed my mind' },
    takesEffect: ({ type, message, metadata }) =>
      type === 'assistant.final' && metadata.outcome === 'completed' && message === 'I changed my mind',
  },
  {
    name: 'an injected message',
    path: 'inject',
    body: { role: 'user', content: 'say injected', why: 'a spec' },
    takesEffect: ({ type, message }) => type === 'assistant.final' && message === 'injected',
  },
]

const steps = [
  {
    name: 'the model streams',
    script: 'stream 400 50 a very long answer that nobody wants to read to its end',
    reached: ({ type }: ConversationEvent) => type === 'assistant.stream',
  },
  { name: 'a tool hangs', script: 'call hangs {}', reached: ({ type }: ConversationEvent) => type === 'tool.start' },
]

describe('interrupts', function () {
  this.timeout(60_000)
  let service: Service
  before(async () => {
    service = await Service.start({ tools: { hangs } })
  })
  after(() => service.release())

  for (const interrupt of interrupts) {
    for (const step of steps) {
      it(`${interrupt.name} takes effect within ${WITHIN_MS} ms while ${step.name}`, async () => {
        const times: number[] = []
        for (let n = 0; n < TRIES; n++) {
          const { session_id } = await service.say(`${interrupt.path}-${step.name}-${n}`, step.script)
          const listener = await SessionListener.open(service.url, session_id)
          await listener.until(step.reached, step.name)
          const from = performance.now()
          const { status } = await service.post(`/v1/sessions/${session_id}/${interrupt.path}`, interrupt.body)
          expect(status).to.equal(200)
          const { at } = await listener.until(interrupt.takesEffect, `the effect of ${interrupt.name}`)
          times.push(at - from)
          listener.close()
          await service.post(`/v1/sessions/${session_id}/stop`, {})
        }
        const middle = times.sort((a, b) => a - b)[TRIES >> 1] as number
        expect(middle, `ms: ${times.map(Math.round).join(', ')}`).to.be.lessThan(WITHIN_MS)
      })
    }
  }

  it('a stop keeps the text that was shown', async () => {
    const { session_id, event_id } = await service.say('kept', 'stream 400 50 shown words are kept and not taken back')
    const listener = await SessionListener.open(service.url, session_id)
    const shown = await listener.until(({ type, message }) => type === 'assistant.stream' && message.length > 3)
    await service.post(`/v1/sessions/${session_id}/stop`, {})
    const { event } = await listener.final(event_id)
    listener.close()
    expect(event.message.startsWith(shown.event.message)).to.equal(true)
  })

  it('a paused session answers after it is resumed, and not before', async () => {
    const { session_id } = await service.say('paused', 'say ready')
    const listener = await SessionListener.open(service.url, session_id)
    await listener.final()
    await service.post(`/v1/sessions/${session_id}/pause`, { paused: true })
    await listener.until(({ type }) => type === 'session.paused')
    const { event_id } = await service.say('paused', 'say later')
    await listener.until(({ type, metadata }) => type === 'user.message' && metadata.turn_id === event_id)
    await service.post(`/v1/sessions/${session_id}/pause`, { paused: false })
    const resumed = await listener.until(({ type }) => type === 'session.resumed')
    const final = await listener.final(event_id)
    listener.close()
    expect(final.seq).to.be.greaterThan(resumed.seq as number)
    expect(final.event.message).to.equal('later')
  })
})
