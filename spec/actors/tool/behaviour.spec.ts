import { expect } from 'chai'
import { nothing } from '../../../actors/kernel/behaviour.ts'
import {
  isDeferred,
  MAX_INTERRUPTIONS,
  type OwnCommand,
  type ToolDecision,
  type ToolState,
  toolBehaviour,
} from '../../../actors/tool/behaviour.ts'
import { toolCatalogue } from '../../../actors/tool/catalogue.ts'
import { type Invocation, toolEventCodec } from '../../../actors/tool/events.ts'
import { parseToolCommand } from '../../../actors/tool/parse.ts'
import type { ToolCommand, ToolOutcome } from '../../../actors/tool/protocol.ts'
import { deferred } from '../../../actors/tool/tool.ts'
import { allowed, callId, cancel, deniedBy, invoke, metaOf, session, workTool } from '../../support/given-tool.ts'

const work = workTool()
const pay = workTool({ name: 'pay', idempotent: false })
const behaviour = toolBehaviour(toolCatalogue([work, pay]))
const { kind: _, v: __, ...asked } = invoke()
const invocation: Invocation = { ...asked, tenant: 'acme' }

type Command = ToolCommand | OwnCommand

function told(...commands: Command[]): { state: ToolState; last: ToolDecision } {
  let state = behaviour.initial
  let last: ToolDecision = nothing
  for (const command of commands) {
    last = behaviour.decide(state, command, metaOf())
    state = last.events.reduce(behaviour.evolve, state)
  }
  return { state, last }
}

const decided = (decision = allowed): OwnCommand => ({ kind: 'Decided', verdict: { kind: 'decision', decision } })
const ran = (attempt = 1): OwnCommand => ({
  kind: 'Ran',
  attempt,
  result: { kind: 'output', output: 'paid', truncated: false },
})
const recovered: OwnCommand = { kind: 'Recovered' }
const reconciled = (kind: 'not-run' | 'unknown'): OwnCommand => ({ kind: 'Reconciled', attempt: 1, finding: { kind } })

const kindsOf = (decision: ToolDecision) => decision.events.map(({ kind }) => kind)
const effectsOf = (decision: ToolDecision) => (decision.effects ?? []).map(({ kind }) => kind)

function outcomeOf(decision: ToolDecision): ToolOutcome {
  const [sent, ...more] = decision.outbox ?? []
  expect(more).to.deep.equal([])
  const body = sent?.body as { kind: string; callId: string; outcome: ToolOutcome }
  expect([sent?.to, body.kind, body.callId]).to.deep.equal([session, 'ToolReturned', callId])
  const finished = decision.events.at(-1)
  expect(finished).to.deep.equal({ kind: 'InvocationFinished', outcome: body.outcome })
  return body.outcome
}

describe('the life of a tool call', () => {
  it('is accepted, authorized, started and finished, each journaled before the next', () => {
    const accepted = told(invoke())
    expect(kindsOf(accepted.last)).to.deep.equal(['InvocationAccepted'])
    expect(accepted.last.effects).to.deep.equal([{ kind: 'Authorize', invocation }])
    const started = told(invoke(), decided())
    expect(kindsOf(started.last)).to.deep.equal(['InvocationAuthorized', 'InvocationStarted'])
    expect(started.last.effects).to.deep.equal([{ kind: 'Run', invocation, attempt: 1 }])
    const finished = told(invoke(), decided(), ran())
    expect(outcomeOf(finished.last)).to.deep.include({ status: 'success', output: 'paid', decision: allowed })
    expect(behaviour.pendingEffects(finished.state)).to.deep.equal([])
  })

  it('ends at once, without asking policy, when there is no such tool', () => {
    const { last } = told(invoke({ tool: 'wrok' }))
    expect(kindsOf(last)).to.deep.equal(['InvocationAccepted', 'InvocationFinished'])
    expect(outcomeOf(last)).to.deep.include({ status: 'error', code: 'TOOL_NOT_FOUND' })
    expect(outcomeOf(last).output).to.include('work, pay')
    expect(last.effects).to.equal(undefined)
  })

  for (const [what, args, message] of [
    ['a wrong type', { text: 7 }, '- text: Invalid input: expected string, received number'],
    ['a missing field', {}, '- text: Invalid input: expected string, received undefined'],
    ['nothing', undefined, '- text:'],
    ['something else than an object', 'rm -rf', '- Invalid input: expected object, received string'],
  ] as const) {
    it(`tells the model which field does not fit: ${what}`, () => {
      const outcome = outcomeOf(told(invoke({ args })).last)
      expect(outcome).to.deep.include({ status: 'error', code: 'TOOL_ARGUMENTS' })
      expect(outcome.output).to.include(message).and.include('did not run')
    })
  }

  it('answers for a schema that throws, instead of failing itself', () => {
    const odd = workTool({ schema: work.schema.refine(() => Promise.reject(new Error('async'))) })
    const { last } = { last: toolBehaviour(toolCatalogue([odd])).decide({ phase: 'new' }, invoke(), metaOf()) }
    expect(outcomeOf(last).code).to.equal('TOOL_ARGUMENTS')
  })

  it('is blocked when policy denies, with the reason and the decision', () => {
    const outcome = outcomeOf(told(invoke(), decided(deniedBy)).last)
    expect(outcome).to.deep.include({ status: 'blocked', code: 'TOOL_DENIED', decision: deniedBy })
    expect(outcome.output).to.include('Not on Sundays.')
    expect(outcome.startedAt).to.equal(undefined)
  })

  it('is blocked, and told apart from denied, when no decision can be had', () => {
    const outcome = outcomeOf(
      told(invoke(), { kind: 'Decided', verdict: { kind: 'unavailable', detail: 'policy is down.' } }).last,
    )
    expect(outcome).to.deep.include({ status: 'blocked', code: 'POLICY_UNAVAILABLE' })
    expect(outcome.output).to.include('nothing ran')
  })

  it('times out without running when no slot comes free', () => {
    const outcome = outcomeOf(told(invoke(), { kind: 'Decided', verdict: { kind: 'no-slot', waitedMs: 1_000 } }).last)
    expect(outcome).to.deep.include({ status: 'timeout', code: 'TOOL_TIMEOUT' })
  })

  for (const [phase, commands] of [
    ['while policy is asked', [invoke()]],
    ['while it runs', [invoke(), decided()]],
    ['while it is reconciled', [invoke({ tool: 'pay' }), decided(), recovered]],
  ] as const) {
    it(`is cancelled at once ${phase}, and what it still does is abandoned`, () => {
      const { last, state } = told(...commands, cancel)
      expect(outcomeOf(last).status).to.equal('cancelled')
      expect(effectsOf(last)).to.deep.equal(['Abandon'])
      expect(state.phase).to.equal('finished')
    })
  }

  it('warns that a call that is not idempotent may have taken effect when it was cut off', () => {
    const cut = told(invoke({ tool: 'pay' }), decided(), cancel)
    expect(outcomeOf(cut.last).output).to.include('may or may not have taken effect')
    const harmless = told(invoke(), decided(), cancel)
    expect(outcomeOf(harmless.last).output).to.not.include('may or may not')
  })

  it('T3: answers a second Invoke, under whatever envelope, with nothing', () => {
    for (const before of [[invoke()], [invoke(), decided()], [invoke(), decided(), ran()]] as const) {
      expect(told(...before, invoke()).last).to.deep.equal(nothing)
    }
  })

  it('parks an Invoke for another call, and a Cancel of no call, as dead letters', () => {
    expect(told(invoke(), invoke({ callId: 'other' })).last.deadLetter?.code).to.equal('UNROUTABLE')
    expect(told(cancel).last.deadLetter?.code).to.equal('UNROUTABLE')
  })

  it('T4: takes no result of an earlier attempt, and none after the end', () => {
    expect(told(invoke(), decided(), recovered, ran(1)).last).to.deep.equal(nothing)
    expect(outcomeOf(told(invoke(), decided(), recovered, ran(2)).last).status).to.equal('success')
    expect(told(invoke(), decided(), cancel, ran()).last).to.deep.equal(nothing)
    expect(told(invoke(), decided(), ran(), decided()).last).to.deep.equal(nothing)
  })
})

describe('a tool call whose node died', () => {
  it('asks policy again when there was no decision yet', () => {
    expect(effectsOf(told(invoke(), recovered).last)).to.deep.equal(['Authorize'])
  })

  it('runs again when it is idempotent, and journals that attempt first', () => {
    const { last } = told(invoke(), decided(), recovered)
    expect(kindsOf(last)).to.deep.equal(['InvocationInterrupted', 'InvocationStarted'])
    expect(last.effects).to.deep.equal([{ kind: 'Run', invocation, attempt: 2 }])
  })

  it('T2: is reconciled when it is not, and never runs again by itself', () => {
    const { last, state } = told(invoke({ tool: 'pay' }), decided(), recovered)
    expect(effectsOf(last)).to.deep.equal(['Reconcile'])
    expect(behaviour.pendingEffects(state).map(({ kind }) => kind)).to.deep.equal(['Reconcile'])
  })

  it('T2: goes by what the tool was when it started, not by what it is now', () => {
    const nowIdempotent = toolBehaviour(toolCatalogue([workTool({ name: 'pay', idempotent: true })]))
    const { state } = told(invoke({ tool: 'pay' }), decided())
    expect(effectsOf(nowIdempotent.decide(state, recovered, metaOf()))).to.deep.equal(['Reconcile'])
  })

  it('is unknown when its own check cannot tell, and the model is told to look first', () => {
    const outcome = outcomeOf(told(invoke({ tool: 'pay' }), decided(), recovered, reconciled('unknown')).last)
    expect(outcome).to.deep.include({ status: 'unknown', code: 'TOOL_OUTCOME_UNKNOWN' })
    expect(outcome.output).to.include('may or may not have taken effect')
  })

  it('runs again when its own check says that it surely did not run', () => {
    const { last } = told(invoke({ tool: 'pay' }), decided(), recovered, reconciled('not-run'))
    expect(kindsOf(last)).to.deep.equal(['InvocationStarted'])
    expect(last.effects).to.deep.include({ kind: 'Run', invocation: { ...invocation, tool: 'pay' }, attempt: 2 })
  })

  it('ends with the output that its own check found', () => {
    const found: OwnCommand = {
      kind: 'Reconciled',
      attempt: 1,
      finding: { kind: 'output', output: 'receipt 7', truncated: false },
    }
    expect(outcomeOf(told(invoke({ tool: 'pay' }), decided(), recovered, found).last)).to.deep.include({
      status: 'success',
      output: 'receipt 7',
    })
  })

  for (const [tool, status] of [
    ['work', 'error'],
    ['pay', 'unknown'],
  ] as const) {
    it(`T5: gives up on ${tool} when it takes its node down again and again`, () => {
      const deaths = Array.from({ length: MAX_INTERRUPTIONS }, () => recovered)
      const { state } = told(invoke({ tool }), decided(), ...deaths)
      expect(state.phase).to.not.equal('finished')
      expect(outcomeOf(behaviour.decide(state, recovered, metaOf())).status).to.equal(status)
    })
  }
})

describe('the words of a tool call', () => {
  it('survive the journal: every event reads back as it was written', () => {
    for (const commands of [[invoke(), decided(), recovered, ran(2)], [invoke({ tool: 'none' })]] as const) {
      let state = behaviour.initial
      for (const command of commands) {
        for (const event of behaviour.decide(state, command, metaOf()).events) {
          const stored = { ...toolEventCodec.encode(event), seq: 1, at: 0, envelopeId: 'e' }
          const read = toolEventCodec.decode(JSON.parse(JSON.stringify(stored)))
          expect(read).to.deep.equal(event)
          state = behaviour.evolve(state, read)
        }
      }
    }
  })

  it('refuses an event from the future', () => {
    const stored = { kind: 'InvocationAccepted', version: 2, data: {}, seq: 1, at: 0, envelopeId: 'e' }
    expect(() => toolEventCodec.decode(stored)).to.throw('UNREADABLE_EVENT')
  })

  it('refuses a body that is no command, naming the field', () => {
    expect(() => parseToolCommand({ ...invoke(), replyTo: 'nobody' })).to.throw(/MALFORMED_MESSAGE.*address.*replyTo/s)
    expect(() => parseToolCommand({ kind: 'Decided', verdict: { kind: 'decision', decision: allowed } })).to.throw(
      'MALFORMED_MESSAGE',
    )
    expect(parseToolCommand(invoke())).to.deep.equal(invoke())
  })
})

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
    expect(settledIn(told(invoke(), decided()).state)).to.deep.equal(nothing)
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
})
