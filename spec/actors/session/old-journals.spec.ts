import { expect } from 'chai'
import { sessionCodec } from '../../../actors/session/events.ts'
import { contextWindow } from '../../../actors/session/prompt.ts'
import { evolve, initialSession } from '../../../actors/session/state.ts'
import { toolBehaviour } from '../../../actors/tool/behaviour.ts'
import { toolCatalogue } from '../../../actors/tool/catalogue.ts'
import { toolEventCodec } from '../../../actors/tool/events.ts'
import { persona } from '../../support/given-session.ts'
import { allowed, invoke, workTool } from '../../support/given-tool.ts'

const stored = (events: readonly { readonly kind: string; readonly [field: string]: unknown }[]) =>
  events.map(({ kind, ...data }, n) => ({ kind, version: 1, at: 0, data, seq: n + 1, envelopeId: `e${n}` }))

/** Events as they were written before there were delegation, timers and condensed histories. */
describe('a journal from before', () => {
  it('of a session is read as it was', () => {
    const turn = { turnId: 't1', text: 'hi', attachments: [], metadata: {} }
    const usage = { promptTokens: 1, completionTokens: 1, costMicros: 0 }
    const end = { turnId: 't1', outcome: 'completed', finishReason: 'stop', text: 'hello', steps: 1, model: 'm', usage }
    const codec = sessionCodec()
    const state = stored([
      { kind: 'SessionStarted', tenant: 'acme', personaId: 'soma', metadata: {} },
      { kind: 'UserTurnAccepted', ...turn },
      { kind: 'TurnStarted', turnId: 't1', deadline: 9, limits: persona().limits },
      { kind: 'ToolCallStarted', callId: 'c1', tool: 'echo', args: {} },
      {
        kind: 'ToolCallFinished',
        callId: 'c1',
        tool: 'echo',
        outcome: { status: 'success', output: '', finishedAt: 0 },
      },
      { kind: 'TurnFinished', ...end },
    ])
      .map((event) => codec.decode(event))
      .reduce(evolve, initialSession)
    expect(state).to.include({ status: 'live', tenant: 'acme', turn: undefined })
    expect([state.delegated, state.timers, state.condensed]).to.deep.equal([undefined, undefined, undefined])
    expect(contextWindow(state, persona(), 1_000, 0)?.messages).to.have.length(3)
  })

  it('of a tool call in the middle of its run goes on as it did', () => {
    const behaviour = toolBehaviour(toolCatalogue([workTool()]))
    const { kind: _, v: _v, ...invocation } = invoke()
    const state = stored([
      { kind: 'InvocationAccepted', invocation: { ...invocation, tenant: 'acme' } },
      { kind: 'InvocationAuthorized', decision: allowed },
      { kind: 'InvocationStarted', attempt: 1, idempotent: true, startedAt: 5 },
    ])
      .map((event) => toolEventCodec.decode(event))
      .reduce(behaviour.evolve, behaviour.initial)
    expect(behaviour.pendingEffects(state).map(({ kind }) => kind)).to.deep.equal(['Run'])
  })
})
