import { expect } from 'chai'
import { nothing } from '../../../actors/kernel/behaviour.ts'
import { type OwnCommand, type ToolDecision, type ToolState, toolBehaviour } from '../../../actors/tool/behaviour.ts'
import { toolCatalogue } from '../../../actors/tool/catalogue.ts'
import { isDeferred } from '../../../actors/tool/deferral.ts'
import type { ToolCommand, ToolOutcome } from '../../../actors/tool/protocol.ts'
import { deferred } from '../../../actors/tool/tool.ts'
import { allowed, callId, cancel, invoke, metaOf, session, workTool } from '../../support/given-tool.ts'

const behaviour = toolBehaviour(toolCatalogue([workTool()]))
const recovered: OwnCommand = { kind: 'Recovered' }
const decided = (): OwnCommand => ({ kind: 'Decided', verdict: { kind: 'decision', decision: allowed } })

function told(...commands: (ToolCommand | OwnCommand)[]): { state: ToolState; last: ToolDecision } {
  let state = behaviour.initial
  let last: ToolDecision = nothing
  for (const command of commands) {
    last = behaviour.decide(state, command, metaOf())
    state = last.events.reduce(behaviour.evolve, state)
  }
  return { state, last }
}

function outcomeOf(decision: ToolDecision): ToolOutcome {
  const [sent, ...more] = decision.outbox ?? []
  expect(more).to.deep.equal([])
  const { kind, outcome } = (sent?.body ?? {}) as { kind: string; outcome: ToolOutcome }
  expect([sent?.to, kind]).to.deep.equal([session, 'ToolReturned'])
  expect(decision.events).to.deep.equal([{ kind: 'InvocationFinished', outcome }])
  return outcome
}

describe('a tool call whose outcome comes as a message', () => {
  const child = 'session:8c5f0000-0000-4000-8000-000000000002' as const
  const ask = { to: child, body: { kind: 'AcceptUserTurn' } }
  const callOff = { to: child, body: { kind: 'Stop' }, priority: 'control' as const }
  const deferring: OwnCommand = {
    kind: 'Ran',
    attempt: 1,
    result: deferred({ settledBy: [child], send: [ask], ifAbandoned: [callOff] }),
  }
  const waiting = () => told(invoke(), decided(), deferring)
  const settle = (output = 'found', from: string = child, tenant = 'acme') => ({
    command: {
      kind: 'Settle',
      v: 1,
      callId,
      outcome: { status: 'success', output, finishedAt: 5 },
    } as const satisfies ToolCommand,
    meta: metaOf({ from, tenant, now: 1_500 }),
  })
  const settledIn = (state: ToolState, { command, meta } = settle()) => behaviour.decide(state, command, meta)

  it('T6: asks once, with the deferral in the journal, and then waits until its deadline', () => {
    const { state, last } = waiting()
    expect(last.events).to.deep.equal([
      { kind: 'InvocationDeferred', deadline: 2_000, settledBy: [child], ifAbandoned: [callOff] },
    ])
    expect(last.outbox).to.deep.equal([ask])
    expect(behaviour.pendingEffects(state)).to.deep.equal([{ kind: 'Await', attempt: 1, deadline: 2_000 }])
    expect(isDeferred(state)).to.equal(true)
  })

  it('T6: ends with the first Settle, in its words, with its own start and decision', () => {
    const end = settledIn(waiting().state)
    expect(outcomeOf(end)).to.deep.equal({
      ...{ status: 'success', output: 'found', finishedAt: 5 },
      ...{ startedAt: 1_000, decision: allowed },
    })
    const state = end.events.reduce(behaviour.evolve, waiting().state)
    expect(settledIn(state, settle('again'))).to.deep.equal(nothing)
    expect(behaviour.decide(state, { kind: 'Expired', attempt: 1 }, metaOf())).to.deep.equal(nothing)
  })

  it('T6: a crash changes nothing: it neither runs again nor is it unknown, and its deadline is armed again', () => {
    const { state, last } = told(invoke(), decided(), deferring, recovered, recovered, recovered, recovered, recovered)
    expect(last.events).to.deep.equal([])
    expect(last.effects).to.deep.equal([{ kind: 'Await', attempt: 1, deadline: 2_000 }])
    expect(outcomeOf(settledIn(state)).output).to.equal('found')
  })

  it('T6: hears nobody but whom it named, of its own tenant', () => {
    expect(settledIn(waiting().state, settle('forged', session))).to.deep.equal(nothing)
    expect(settledIn(waiting().state, settle('forged', child, 'thief')).deadLetter?.code).to.equal('UNROUTABLE')
    expect(settledIn(behaviour.initial).deadLetter?.code).to.equal('UNROUTABLE')
  })

  it('T6: calls off what it asked for when it is cancelled or expires, behind the answer', () => {
    for (const [command, status] of [
      [cancel, 'cancelled'],
      [{ kind: 'Expired', attempt: 1 }, 'timeout'],
    ] as const) {
      const { last } = told(invoke(), decided(), deferring, command)
      expect(last.outbox?.map(({ to }) => to)).to.deep.equal([session, child])
      expect(last.outbox?.[1]).to.deep.equal(callOff)
      expect(last.events).to.have.length(1)
      expect(last.events[0]).to.have.nested.property('outcome.status', status)
      expect(last.effects).to.deep.equal([{ kind: 'Abandon' }])
    }
  })

  it('T6: the answer is cut as any output is', () => {
    const { output, truncated } = outcomeOf(settledIn(waiting().state, settle('x'.repeat(20_000))))
    expect(output).to.match(/\[cut: the first 16000 of 20000 characters\]$/)
    expect(truncated).to.equal(true)
  })

  it('T6: keeps an outcome that comes before the tool has said from whom it takes one, and then asks nobody', () => {
    for (const before of [told(invoke()).state, told(invoke(), decided()).state]) {
      const early = settledIn(before)
      expect(early.events.map(({ kind }) => kind)).to.deep.equal(['InvocationSettledEarly'])
      expect(early.outbox).to.equal(undefined)
      let state = early.events.reduce(behaviour.evolve, before)
      expect(settledIn(state, settle('again'))).to.deep.equal(nothing)
      if (state.phase === 'authorizing') {
        state = behaviour.decide(state, decided(), metaOf()).events.reduce(behaviour.evolve, state)
      }
      const end = behaviour.decide(state, deferring, metaOf())
      expect(outcomeOf(end).output).to.equal('found')
    }
  })

  it('T6: an early outcome of a stranger is let go, and so is one of a call that never defers', () => {
    const stranger = settledIn(told(invoke(), decided()).state, settle('forged', session))
    const state = stranger.events.reduce(behaviour.evolve, told(invoke(), decided()).state)
    const kinds = (command: OwnCommand) => behaviour.decide(state, command, metaOf()).events.map(({ kind }) => kind)
    expect(kinds(deferring)).to.deep.equal(['InvocationDeferred'])
    const plain: OwnCommand = { kind: 'Ran', attempt: 1, result: { kind: 'output', output: 'own', truncated: false } }
    expect(outcomeOf(behaviour.decide(state, plain, metaOf())).output).to.equal('own')
  })
})
