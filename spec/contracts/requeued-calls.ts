import { expect } from 'chai'
import { address, shardOf } from '../../actors/kernel/address.ts'
import type { Stores } from '../support/persistence-under-test.ts'

/** What every RequeuedCalls promises (persistence/requeued-calls.ts). */
export function requeuedCallsSuite(stores: () => Stores): void {
  const sessionId = '8c5f0000-0000-4000-8000-0000000000aa'
  const decision = (allow: boolean) => ({ id: 'd-1', allow, reason: 'Not on Sundays.', policy: 'spec#1' })

  /** Written as the tool actor writes it. */
  async function called(callId: string, tenant: string, at: number, allow = false) {
    const { journal, epochs } = stores()
    const of = address('tool', callId)
    const [lease] = await epochs.claim('node', 'tool', [shardOf(of)])
    const invocation = {
      ...{ callId, tool: 'echo', args: { text: 'a\u0000b' }, tenant, sessionId, turnId: 't', personaId: 'soma' },
      ...{ metadata: { k: 1 }, replyTo: address('session', sessionId) },
    }
    const outcome = { status: 'blocked', code: 'TOOL_DENIED', output: '', finishedAt: at, decision: decision(allow) }
    await journal.append({
      address: of,
      epoch: lease?.epoch ?? 0,
      envelopeId: `e/${callId}`,
      expectedSeq: 0,
      events: [
        { kind: 'InvocationAccepted', version: 1, at, data: { invocation } },
        { kind: 'InvocationFinished', version: 1, at, data: { outcome } },
      ],
      outbox: [],
      unfinished: false,
    })
  }

  const ids = async (query: { tenant?: string; limit: number; before?: string }) =>
    (await stores().requeued.list(query)).map(({ callId }) => callId)

  before(async () => {
    await called(`${sessionId}/1.0`, 'acme', 1_000)
    await called(`${sessionId}/2.0`, 'acme', 2_000)
    await called(`${sessionId}/3.0`, 'other', 3_000)
    await called(`${sessionId}/4.0`, 'acme', 4_000, true)
    await called(`${sessionId}/5.0`, 'acme', 5_000)
  })

  it('lists the calls whose denial is journaled, of one tenant or of all, newest first and page by page', async () => {
    const [one, two, three, , five] = [1, 2, 3, 4, 5].map((n) => `${sessionId}/${n}.0`) as [
      string,
      string,
      string,
      string,
      string,
    ]
    expect(await ids({ limit: 10 })).to.deep.equal([five, three, two, one])
    expect(await ids({ limit: 10, tenant: 'acme' })).to.deep.equal([five, two, one])
    expect(await ids({ limit: 2 })).to.deep.equal([five, three])
    expect(await ids({ limit: 10, before: three })).to.deep.equal([two, one])
    expect(await ids({ limit: 10, before: 'nobody/1.0' })).to.deep.equal([])
  })

  it('gives one back as it was asked for and decided', async () => {
    const call = await stores().requeued.get(`${sessionId}/1.0`)
    expect(call).to.deep.equal({
      ...{ callId: `${sessionId}/1.0`, tenant: 'acme', sessionId, personaId: 'soma', tool: 'echo' },
      ...{ args: { text: 'a\u0000b' }, metadata: { k: 1 }, decision: decision(false), deniedAt: 1_000 },
    })
    expect(await stores().requeued.get(`${sessionId}/4.0`), 'it was allowed').to.equal(undefined)
  })

  it('Q1, Q2: keeps the first resolution, and lists a call until what was resolved is done', async () => {
    const { requeued } = stores()
    const callId = `${sessionId}/1.0`
    const allow = { action: 'allow', by: 'ada', why: 'it \u0000 may', at: 9_000 } as const
    expect(await requeued.resolve(callId, allow)).to.deep.equal(allow)
    const deny = { action: 'deny', by: 'bob', why: 'no', at: 9_001 } as const
    expect(await requeued.resolve(callId, deny)).to.deep.equal(allow)
    expect((await requeued.get(callId))?.resolution).to.deep.equal({ ...allow, done: false })
    expect(await ids({ limit: 10, tenant: 'acme' })).to.include(callId)
    await requeued.done(callId)
    expect(await ids({ limit: 10, tenant: 'acme' })).not.to.include(callId)
  })
}
