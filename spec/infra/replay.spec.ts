import { expect } from 'chai'
import type { DeadLetter } from '../../actors/kernel/dead-letters.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { systemIds } from '../../infra/clock.ts'
import { replayDeadLetter } from '../../infra/replay.ts'
import { InMemoryDeadLetters } from '../../persistence/in-memory-dead-letters.ts'
import { inbound } from '../../transports/kafka/topics.ts'
import { undecodable } from '../../transports/kafka/undecodable.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

describe('a dead letter that is sent again', () => {
  const envelope: Envelope = {
    id: 'e1',
    to: 'session:s',
    from: 'gateway',
    tenant: 'acme',
    priority: 'normal',
    trace: {},
    sentAt: 1,
    deadline: 2,
    body: { kind: 'Nonsense' },
  }

  async function replayed(letter: Envelope, edited?: { body: unknown }) {
    const deadLetters = new InMemoryDeadLetters(systemIds)
    const sent: Envelope[] = []
    await deadLetters.park({
      envelope: letter,
      source: letter.to,
      code: 'MALFORMED_MESSAGE',
      detail: '',
      retries: 0,
      at: 1,
    })
    const [{ id }] = (await deadLetters.list({ limit: 1 })) as [DeadLetter]
    const mailbox = { send: async (one: Envelope) => void sent.push(one) }
    await replayDeadLetter(id, edited, { deadLetters, mailbox, clock: new VirtualClock(50) })
    expect(await deadLetters.list({ limit: 1 }), 'forgotten').to.deep.equal([])
    return sent[0] as Envelope
  }

  it('goes to the same actor of the same tenant, under a new id, without its deadline', async () => {
    expect(await replayed(envelope)).to.deep.equal({
      ...{ to: 'session:s', from: 'gateway', tenant: 'acme', priority: 'normal', trace: {}, sentAt: 50 },
      ...{ id: 'e1/replay/1', body: { kind: 'Nonsense' } },
    })
  })

  it('takes another body, and nothing else of it', async () => {
    const body = { kind: 'Nudge', v: 1, tenant: 'evil', to: 'session:other' }
    expect(await replayed(envelope, { body }))
      .to.include({ to: 'session:s', tenant: 'acme' })
      .and.deep.include({ body })
  })

  it('a record that was no envelope stays a record, with another value', async () => {
    const record = { key: null, value: Buffer.from('{'), offset: '7', timestamp: 1, headers: {} }
    const letter = undecodable(inbound, 3, record as never)
    const { body } = await replayed(letter, { body: { event_id: 'x' } })
    expect(body).to.deep.nested.include({ 'undecodable.value': '{"event_id":"x"}', 'undecodable.partition': 3 })
  })
})
