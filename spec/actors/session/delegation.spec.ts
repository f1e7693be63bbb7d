import { expect } from 'chai'
import { childSessionOf } from '../../../actors/session/delegation.ts'
import type { Delegated } from '../../../actors/session/protocol.ts'
import type { ToolOutcome } from '../../../actors/tool/protocol.ts'
import { GivenSession, persona, personasOf, SESSION_ID } from '../../support/given-session.ts'

const CALL = `${SESSION_ID}/5.0`
const delegated: Delegated = { callId: CALL, turnId: 't1', parent: SESSION_ID, depth: 1 }

type Sent = { to: string; body: { kind: string; callId: string; outcome: ToolOutcome; lineage?: unknown } }
const sentIn = (decision: { outbox?: readonly unknown[] }) => (decision.outbox ?? []) as Sent[]
const settlements = (decision: { outbox?: readonly unknown[] }) =>
  sentIn(decision).filter(({ body }) => body.kind === 'Settle')

function child(limits: Parameters<typeof persona>[0] = {}, more: Partial<Delegated> = {}): GivenSession {
  const session = new GivenSession(personasOf(persona(limits)))
  session.user('t1', 'do it', { delegated: { ...delegated, ...more } })
  return session
}

describe('a session that does a task for another', () => {
  it('G2: settles the call with its answer, written with the end of the turn', () => {
    const end = child().says('it is done')
    expect(end.events.at(-1)?.kind).to.equal('TurnFinished')
    const [sent, ...more] = settlements(end)
    expect(more).to.deep.equal([])
    expect(sent?.to).to.equal(`tool:${CALL}`)
    expect(sent?.body).to.deep.include({ kind: 'Settle', callId: CALL })
    expect(sent?.body.outcome).to.deep.include({ status: 'success', output: 'it is done' })
    expect(sent?.body.outcome.usage).to.deep.equal({ promptTokens: 10, completionTokens: 5, costMicros: 100 })
  })

  it('G2: settles once: its later turns are its own', () => {
    const session = child()
    session.says('it is done')
    session.user('t2')
    expect(settlements(session.says('more'))).to.deep.equal([])
  })

  for (const [what, end, expected] of [
    ['stopped', (it: GivenSession) => it.tell({ kind: 'Stop', v: 1, reason: 'enough' }), { status: 'cancelled' }],
    ['reset', (it: GivenSession) => it.tell({ kind: 'Reset', v: 1 }), { status: 'cancelled' }],
    ['deleted', (it: GivenSession) => it.tell({ kind: 'Delete', v: 1 }), { status: 'cancelled' }],
    [
      'failed by its model',
      (it: GivenSession) =>
        it.tell({ kind: 'ModelFailed', call: it.call, code: 'MODEL_UNAVAILABLE', detail: 'all down' }),
      { status: 'error', code: 'MODEL_UNAVAILABLE' },
    ],
    ['at its limit of steps', (it: GivenSession) => it.asksFor('echo {}'), { status: 'error', code: 'STEP_LIMIT' }],
  ] as const) {
    it(`G2: says clearly that it was ${what}`, () => {
      const [sent] = settlements(end(child({ steps: 1 })))
      expect(sent?.body.outcome).to.deep.include(expected)
      expect(sent?.body.outcome.output).to.match(/^The delegated session (was stopped|failed)/)
    })
  }

  it('is what it is from its birth alone: a session that exists cannot be made a child', () => {
    const session = new GivenSession()
    session.user('t0')
    session.says('hello')
    session.user('t1', 'do it', { delegated })
    expect(settlements(session.says('done'))).to.deep.equal([])
  })

  it('G3: may use what its call was given, and no more', () => {
    const session = child({}, { tokens: 14 })
    expect(settlements(session.says('dear'))[0]?.body.outcome).to.deep.include({ code: 'BUDGET_EXCEEDED' })
  })

  it('G3: stands one deeper, and says so when it delegates itself', () => {
    const session = child()
    const [sent] = sentIn(session.asksFor('delegate {"task":"x"}'))
    expect(sent?.body.lineage).to.deep.equal({ depth: 1, delegations: 1 })
  })
})

describe('a session that delegates', () => {
  const lineages = (limits: Parameters<typeof persona>[0], ...tools: string[]) => {
    const session = new GivenSession(personasOf(persona(limits)))
    session.user('t1')
    return sentIn(session.asksFor(...tools)).map(({ body }) => body.lineage)
  }

  it('G1: has one child for one call, and another for another', () => {
    expect(childSessionOf(CALL)).to.equal(childSessionOf(CALL))
    expect(childSessionOf(CALL)).not.to.equal(childSessionOf(`${SESSION_ID}/5.1`))
    expect(childSessionOf(CALL)).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it('G3: shares what is left of its budget among the tasks of a step, and counts them', () => {
    expect(lineages({ tokensPerTurn: 115 }, 'delegate {}', 'delegate {}', 'echo {}')).to.deep.equal([
      { depth: 0, delegations: 1, tokensLeft: 50 },
      { depth: 0, delegations: 2, tokensLeft: 50 },
      undefined,
    ])
    expect(lineages({ tokensPerSession: 25 }, 'delegate {}')).to.deep.equal([
      { depth: 0, delegations: 1, tokensLeft: 10 },
    ])
  })

  it('G4: counts what its children used, for the turn and for the session, and stops at its limit', () => {
    const session = new GivenSession(personasOf(persona({ tokensPerTurn: 1_000 })))
    session.user('t1')
    session.asksFor('delegate {}')
    const usage = { promptTokens: 900, completionTokens: 200, costMicros: 7 }
    const callId = session.state.turn?.calls[0]?.callId ?? ''
    session.tell({
      kind: 'ToolReturned',
      v: 1,
      callId,
      outcome: { status: 'success', output: 'x', usage, finishedAt: 0 },
    })
    expect(session.state.usage).to.deep.equal({ promptTokens: 910, completionTokens: 205, costMicros: 107 })
    expect(session.finals().map(({ code }) => code)).to.deep.equal(['BUDGET_EXCEEDED'])
  })

  it('calls its tasks off when it is stopped', () => {
    const session = new GivenSession()
    session.user('t1')
    session.asksFor('delegate {}')
    const callId = session.state.turn?.calls[0]?.callId
    const sent = sentIn(session.tell({ kind: 'Stop', v: 1, reason: 'enough' }))
    expect(sent.map(({ to, body }) => [to, body.kind])).to.deep.equal([[`tool:${callId}`, 'Cancel']])
  })
})
