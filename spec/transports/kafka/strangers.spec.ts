import { expect } from 'chai'
import type { Address } from '../../../actors/kernel/address.ts'
import type { DeadLetter } from '../../../actors/kernel/dead-letters.ts'
import type { Envelope } from '../../../actors/kernel/envelope.ts'
import { silentLogger } from '../../../actors/kernel/telemetry.ts'
import type { SessionCommand } from '../../../actors/session/protocol.ts'
import { systemClock, systemIds } from '../../../infra/clock.ts'
import type { Attachment } from '../../../persistence/attachments.ts'
import { openInMemory } from '../../../persistence/open-in-memory.ts'
import type { LogRecord } from '../../../transports/kafka/fetch-client.ts'
import { strangers } from '../../../transports/kafka/strangers.ts'
import { inbound, toolResults } from '../../../transports/kafka/topics.ts'
import { AT, aRecord } from '../../support/given-append.ts'
import { GivenSession, SESSION_ID } from '../../support/given-session.ts'

const TENANT = 'acme'

function given() {
  const stores = openInMemory(systemIds)
  const sent: Envelope<SessionCommand>[] = []
  const parked: Omit<DeadLetter, 'id'>[] = []
  const parts = strangers({
    records: stores.records,
    attachments: stores.attachments,
    tenant: 'local',
    urlRefusal: () => undefined,
    deadLetters: { park: async (letter) => void parked.push(letter) },
    send: async (envelope) => void sent.push(envelope as Envelope<SessionCommand>),
    watched() {},
    clock: systemClock,
    log: silentLogger,
    isClosed: () => false,
  })
  const save = (over: { tenant?: string; sessionId?: string } = {}) =>
    stores.attachments.save({
      ...{ tenant: TENANT, sessionId: SESSION_ID, filename: 'plan.txt', mime: 'text/plain', source: 'upload' as const },
      ...{ bytes: Buffer.from('bytes'), ...over },
    })
  const born = () => stores.records.claim(aRecord({ sessionId: SESSION_ID, tenant: TENANT }))
  const say = (attachments: readonly string[], event_id = 'e1') => {
    const event = { event_id, session_id: SESSION_ID, role: 'user', message: 'look', metadata: {}, attachments }
    return parts.foreign(inbound, 0, record(event))
  }
  return { stores, parts, sent, parked, save, born, say }
}

function record(content: unknown, headers: Record<string, string> = {}): LogRecord {
  const written = Object.entries(headers).map(([name, it]) => [name, Buffer.from(it)] as const)
  const value = Buffer.from(JSON.stringify(content))
  return { offset: 7, timestamp: AT, key: null, value, headers: Object.fromEntries(written) }
}

describe('a JSON message that names attachments', () => {
  it('is a turn with their paths, each once, when all are of its session and clean', async () => {
    const { sent, parked, save, born, say } = given()
    await born()
    const { id } = await save()
    await say([id, `/v1/attachments/${id}`])
    expect(parked).to.deep.equal([])
    expect(sent.map(({ id, tenant, body }) => [id, tenant, body.kind])).to.deep.equal([
      ['e1', TENANT, 'AcceptUserTurn'],
    ])
    expect(sent[0]?.body).to.deep.include({ attachments: [`/v1/attachments/${id}`] })
  })

  type Made = (world: ReturnType<typeof given>) => Promise<Pick<Attachment, 'id'>>
  const refused: [string, Made, string, string][] = [
    ['is nowhere', async () => ({ id: systemIds.uuid() }), 'ATTACHMENT_NOT_FOUND', 'does not exist'],
    ['is no id at all', async () => ({ id: '../etc/passwd' }), 'ATTACHMENT_NOT_FOUND', 'does not exist'],
    [
      'belongs to another session',
      ({ save }) => save({ sessionId: systemIds.uuid() }),
      'ATTACHMENT_NOT_FOUND',
      'another session',
    ],
    ['belongs to another tenant', ({ save }) => save({ tenant: 'other' }), 'ATTACHMENT_NOT_FOUND', 'does not exist'],
    [
      'is in quarantine',
      async ({ save, stores }) => {
        const saved = await save()
        await stores.attachments.mark(TENANT, saved.id, { status: 'quarantined', reason: 'eicar', by: 'op' })
        return saved
      },
      'ATTACHMENT_QUARANTINED',
      'plan.txt is quarantined: eicar',
    ],
  ]
  for (const [what, made, code, says] of refused) {
    it(`is refused when one of them ${what}: a dead letter, and the end of its turn for the session’s readers`, async () => {
      const world = given()
      await world.born()
      const good = await world.save()
      const bad = await made(world)
      await world.say([good.id, bad.id])
      expect(world.parked).to.have.length(1)
      expect(world.parked[0]).to.deep.include({ code, source: 'conversation.inbound' })
      expect(world.parked[0]?.detail).to.include(says)

      const session = new GivenSession()
      for (const { body } of world.sent) session.tell(body)
      const last = session.events.at(-1)
      expect(last).to.deep.include({ kind: 'UserTurnRejected', turnId: 'e1', text: 'look', code })
      expect((last as { detail: string }).detail).to.include(says)
    })
  }

  it('that was refused is a turn when it is replayed after the file was released', async () => {
    const { stores, sent, save, born, say } = given()
    await born()
    const { id } = await save()
    await stores.attachments.mark(TENANT, id, { status: 'quarantined', by: 'op' })
    await say([id])
    await stores.attachments.mark(TENANT, id, { status: 'clean', by: 'op' })
    await say([id])
    expect(sent.map(({ body }) => body.kind)).to.deep.equal(['RefuseUserTurn', 'AcceptUserTurn'])
    const [refusal, turn] = sent
    expect(turn?.id).to.equal('e1')
    expect(refusal?.id, 'or the session would take the turn for one it knows (I3)').not.to.equal('e1')
  })

  it('comes again after its file was quarantined: its turn is not told to have failed', async () => {
    const { stores, sent, save, born, say } = given()
    await born()
    const { id } = await save()
    await say([id])
    await stores.attachments.mark(TENANT, id, { status: 'quarantined', by: 'op' })
    await say([id])
    const session = new GivenSession()
    for (const { body } of sent) session.tell(body)
    expect(session.kinds()).not.to.include('UserTurnRejected')
  })

  it('waits while the store is away, and is neither refused nor lost', async () => {
    const { stores, sent, parked, save, born, say } = given()
    await born()
    const { id } = await save()
    const get = stores.attachments.get.bind(stores.attachments)
    let asked = 0
    stores.attachments.get = async (tenant, name) => {
      if (asked++ === 0) throw new Error('the database is away')
      return get(tenant, name)
    }
    await say([id])
    expect(asked).to.equal(2)
    expect([parked.length, sent[0]?.body.kind]).to.deep.equal([0, 'AcceptUserTurn'])
  })
})

describe('our own answer to an outsider, on tool.results', () => {
  it('is no result to the session that reads it; what an outsider writes there is', async () => {
    const { parts, sent, parked } = given()
    const result = {
      ...{ event_id: 'r1', session_id: SESSION_ID, tool_name: 'echo', status: 'success', payload: { output: 'x' } },
      ...{ metadata: {}, execution_time: 1 },
    }
    await parts.foreign(toolResults, 0, record(result, { 'soma-answer': '1' }))
    expect([sent.length, parked.length]).to.deep.equal([0, 0])
    await parts.foreign(toolResults, 0, record(result))
    expect(sent.map(({ to, body }): [Address, string] => [to, body.kind])).to.deep.equal([
      [`session:${SESSION_ID}`, 'ToolReturned'],
    ])
  })
})
