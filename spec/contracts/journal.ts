import { expect } from 'chai'
import { type Address, idOf, shardOf } from '../../actors/kernel/address.ts'
import { systemClock } from '../../infra/clock.ts'
import type { Append } from '../../persistence/journal.ts'
import { AT, anAppend, anEnvelope, anEvent, aRecord, freshSession, ownSessions } from '../support/given-append.ts'
import type { Stores } from '../support/persistence-under-test.ts'

/** What every Journal promises (persistence/journal.ts), with the records and usage that its appends write. */
export function journalSuite(stores: () => Stores): void {
  let epoch = 0
  const journal = () => stores().journal
  const append = (over: Partial<Append> & Pick<Append, 'address'>) => journal().append(anAppend({ epoch, ...over }))

  beforeEach(async () => {
    epoch = await ownSessions(stores().epochs)
  })

  it('gives back what was appended, in order, with contiguous sequence numbers (J1)', async () => {
    const address = freshSession()
    const first = anAppend({ address, epoch, events: [anEvent({ a: 1 }), anEvent({ a: 2 })] })
    expect(await journal().append(first)).to.deep.equal({ status: 'appended', seq: 2 })
    expect(await append({ address, expectedSeq: 2 })).to.deep.equal({ status: 'appended', seq: 3 })
    const events = await journal().read(address, 0, 10)
    expect(events.map((event) => event.seq)).to.deep.equal([1, 2, 3])
    expect(events[1]).to.deep.equal({
      kind: 'Noted',
      version: 1,
      at: AT,
      data: { a: 2 },
      seq: 2,
      envelopeId: first.envelopeId,
    })
    expect(await journal().head(address)).to.equal(3)
    expect((await journal().read(address, 1, 1)).map((event) => event.seq)).to.deep.equal([2])
  })

  it('knows nothing of an address that never appended', async () => {
    const address = freshSession()
    expect(await journal().head(address)).to.equal(0)
    expect(await journal().read(address, 0, 10)).to.deep.equal([])
    expect(await journal().wasApplied(address, 'x')).to.equal(false)
  })

  it('answers conflict and writes nothing when the expected sequence number is not the head (J1)', async () => {
    const address = freshSession()
    await append({ address })
    const late = anAppend({ address, epoch, expectedSeq: 0 })
    expect(await journal().append(late)).to.deep.equal({ status: 'conflict' })
    expect(await append({ address, expectedSeq: 5 })).to.deep.equal({ status: 'conflict' })
    expect(await journal().head(address)).to.equal(1)
    expect(await journal().wasApplied(address, late.envelopeId), 'a refused envelope may come again').to.equal(false)
  })

  it('answers fenced and writes nothing at a superseded or unknown epoch (J2)', async () => {
    const address = freshSession()
    await ownSessions(stores().epochs, 'node-b')
    const outbox = [anEnvelope({ id: `${address}/1/0` })]
    expect(await append({ address, outbox, record: aRecord({ sessionId: address.slice(8) }) })).to.deep.equal({
      status: 'fenced',
    })
    expect(await append({ address, epoch: epoch + 9 })).to.deep.equal({ status: 'fenced' })
    expect(await journal().head(address)).to.equal(0)
    expect(await journal().pendingOutbox('session', [shardOf(address)], 100)).to.deep.equal([])
    expect(await stores().records.get(address.slice(8))).to.equal(undefined)
  })

  it('applies an envelope once: again it answers duplicate and writes nothing (J3)', async () => {
    const address = freshSession()
    const once = anAppend({ address, epoch, usage: aUsage(address) })
    await journal().append(once)
    expect(await journal().append(once)).to.deep.equal({ status: 'duplicate' })
    expect(await journal().append({ ...once, expectedSeq: 1 })).to.deep.equal({ status: 'duplicate' })
    expect(await journal().head(address)).to.equal(1)
    expect(await stores().usage.spent(address, '20260101')).to.deep.equal({ tokens: 7, costMicros: 3 })
    expect(await journal().wasApplied(address, once.envelopeId)).to.equal(true)
    expect(await append({ address: freshSession(), envelopeId: once.envelopeId })).to.include({ status: 'appended' })
  })

  it('remembers an envelope that caused no event', async () => {
    const address = freshSession()
    const silent = anAppend({ address, epoch, events: [] })
    expect(await journal().append(silent)).to.deep.equal({ status: 'appended', seq: 0 })
    expect(await journal().append(silent)).to.deep.equal({ status: 'duplicate' })
    expect(await append({ address })).to.deep.equal({ status: 'appended', seq: 1 })
  })

  it('writes events, outbox, record and usage together (J4)', async () => {
    const address = freshSession()
    const sessionId = address.slice(8)
    const sent = [anEnvelope({ id: `${address}/1/0` }), anEnvelope({ id: `${address}/1/1` })]
    await append({ address, outbox: sent, record: aRecord({ sessionId }), usage: aUsage(address) })
    expect(await journal().pendingOutbox('session', [shardOf(address)], 100)).to.deep.equal(sent)
    expect(await stores().records.get(sessionId)).to.deep.equal(aRecord({ sessionId }))
    expect(await stores().usage.spent(address, '20260101', 'assistant')).to.deep.equal({ tokens: 7, costMicros: 3 })
    expect(await stores().usage.spent(address, '20260101', 'other')).to.deep.equal({ tokens: 0, costMicros: 0 })
    await journal().relayed(sent.map((envelope) => envelope.id))
    expect(await journal().pendingOutbox('session', [shardOf(address)], 100)).to.deep.equal([])
  })

  it('writes what an address is to be told at a time with the events, and its end with them too (J4)', async () => {
    const address = freshSession()
    const due = (at: number) => stores().timers.due('session', [shardOf(address)], at, 1_000)
    const mine = async (at: number) => (await due(at)).filter((timer) => timer.address === address)
    const timer = (timerId: string, at: number | null) => ({ timerId, tenant: 'acme', due: at })
    const set = anAppend({ address, epoch, timers: [timer('t1', AT + 500), timer('t2', AT), timer('t3', AT + 1_000)] })
    await journal().append(set)
    expect(await mine(AT - 1)).to.deep.equal([])
    expect(await mine(AT + 500)).to.deep.equal([
      { address, timerId: 't2', tenant: 'acme', due: AT },
      { address, timerId: 't1', tenant: 'acme', due: AT + 500 },
    ])
    await append({ address, expectedSeq: 1, timers: [timer('t2', AT + 9), timer('t1', null), timer('t2', AT + 700)] })
    expect((await mine(AT + 2_000)).map(({ timerId, due }) => [timerId, due])).to.deep.equal([
      ['t2', AT + 700],
      ['t3', AT + 1_000],
    ])
    expect((await journal().append(set)).status).to.equal('duplicate')
    await append({ address, epoch: epoch + 9, expectedSeq: 2, timers: [timer('t3', null)] })
    expect(await mine(AT + 2_000), 'a refused append changes no timer').to.have.length(2)
    expect(await stores().timers.due('session', [(shardOf(address) + 1) % 64], AT + 2_000, 1_000)).to.not.deep.include({
      ...{ address, timerId: 't3', tenant: 'acme', due: AT + 1_000 },
    })
    expect(await stores().timers.due('tool', [shardOf(address)], AT + 2_000, 1_000)).to.deep.equal([])
  })

  it('counts the usage of one tenant and day from many appends at once', async () => {
    const tenant = freshSession()
    await Promise.all(Array.from({ length: 20 }, () => append({ address: freshSession(), usage: aUsage(tenant) })))
    expect(await stores().usage.spent(tenant, '20260101')).to.deep.equal({ tokens: 140, costMicros: 60 })
  })

  it('merges a record: scalars keep their value unless a new one is given, metadata is merged', async () => {
    const address = freshSession()
    const sessionId = address.slice(8)
    const first = aRecord({ sessionId, subject: 'ann', title: 'old', metadata: { a: 1, b: 1 } })
    await append({ address, record: first })
    const second = aRecord({ sessionId, title: 'new', metadata: { b: 2 }, state: 'running', updatedAt: AT + 5 })
    await append({ address, expectedSeq: 1, record: { ...second, tenant: 'thief' } })
    expect(await stores().records.get(sessionId)).to.deep.equal({
      ...second,
      subject: 'ann',
      tenant: 'acme',
      metadata: { a: 1, b: 2 },
    })
  })

  it('lists the addresses of a shard whose last append said unfinished', async () => {
    const address = freshSession()
    const shard = shardOf(address)
    await append({ address, unfinished: true })
    expect(await journal().unfinished('session', [shard, (shard + 2) % 64])).to.include(address)
    expect(await journal().unfinished('session', [(shard + 1) % 64])).not.to.include(address)
    expect(await journal().unfinished('tool', [shard])).to.deep.equal([])
    await append({ address, expectedSeq: 1 })
    expect(await journal().unfinished('session', [shard, (shard + 2) % 64])).not.to.include(address)
  })

  it('keeps any text that JSON can hold, NUL and unpaired surrogates too', async () => {
    const address = freshSession()
    const data = {
      '\0': '\ud800',
      text: 'a\0b \udc00 😀 \uf5a3 \uf5a30000 \\u0000 \\\\u0000 \\ud83d "',
      deep: [['\0']],
    }
    const envelopeId = 'odd\0id\ud800'
    expect(await append({ address, envelopeId, events: [anEvent(data)] })).to.include({ status: 'appended' })
    const [event] = await journal().read(address, 0, 1)
    expect(event?.data).to.deep.equal(data)
    expect(event?.envelopeId).to.equal(envelopeId)
    expect(await journal().wasApplied(address, envelopeId)).to.equal(true)
  })

  it('erases a session but for its tombstone, with its finished tool calls, and still knows what was applied', async () => {
    const address = freshSession()
    const call = `tool:${idOf(address)}/4.0` as Address
    const toolEpoch = await ownSessions(stores().epochs, 'node-a', 'tool')
    await append({ address, outbox: [anEnvelope({ id: `${address}/1/0` })], unfinished: true })
    await append({ address: call, epoch: toolEpoch })
    const record = aRecord({ sessionId: idOf(address), state: 'deleted' })
    const last = anAppend({ address, epoch, expectedSeq: 1, record: { ...record, title: 'hi', metadata: { a: 1 } } })
    await journal().append(last)
    await journal().erase(address, epoch)
    expect(await stores().records.get(idOf(address))).to.deep.equal(record)
    expect((await journal().read(address, 0, 10)).map((event) => event.seq)).to.deep.equal([2])
    expect(await journal().head(address)).to.equal(2)
    expect(await journal().read(call, 0, 10)).to.deep.equal([])
    expect(await journal().pendingOutbox('session', [shardOf(address)], 100)).to.have.length(1)
    expect(await journal().unfinished('session', [shardOf(address)])).not.to.include(address)
    expect(await journal().append(last)).to.deep.equal({ status: 'duplicate' })
    expect(await append({ address, expectedSeq: 2 })).to.deep.equal({ status: 'appended', seq: 3 })
  })

  it('forgets what was applied long ago, and only that', async () => {
    const address = freshSession()
    const old = anAppend({ address, epoch })
    await journal().append(old)
    await journal().forgetApplied(0)
    expect(await journal().wasApplied(address, old.envelopeId)).to.equal(true)
    const inAnHour = systemClock.now() + 3_600_000
    expect(await journal().forgetApplied(inAnHour)).to.be.greaterThan(0)
    expect(await journal().wasApplied(address, old.envelopeId)).to.equal(false)
  })

  it('erases nothing at a superseded epoch', async () => {
    const address = freshSession()
    await append({ address })
    await ownSessions(stores().epochs, 'node-b')
    const outcome = await journal()
      .erase(address, epoch)
      .catch((error) => error)
    expect(outcome).to.include({ code: 'EPOCH_FENCED' })
    expect(await journal().head(address)).to.equal(1)
  })

  it('keeps 300 concurrent actors apart, each in its own order', async () => {
    const addresses = Array.from({ length: 300 }, freshSession)
    await Promise.all(
      addresses.map(async (address) => {
        for (let seq = 0; seq < 3; seq++) {
          expect(await append({ address, expectedSeq: seq })).to.deep.equal({ status: 'appended', seq: seq + 1 })
        }
      }),
    )
    for (const address of addresses.slice(0, 5)) expect(await journal().head(address)).to.equal(3)
  })
}

function aUsage(tenant: string) {
  return { tenant, personaId: 'assistant', day: '20260101', tokens: 7, costMicros: 3 }
}
