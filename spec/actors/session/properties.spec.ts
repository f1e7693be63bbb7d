import { expect } from 'chai'
import fc from 'fast-check'
import type { SessionEvent } from '../../../actors/session/events.ts'
import { contextWindow } from '../../../actors/session/prompt.ts'
import { unsentCalls } from '../../../actors/session/step-state.ts'
import type { ModelMessage } from '../../../transports/model/client.ts'
import { GivenSession, persona, personasOf } from '../../support/given-session.ts'

/** Any order of everything that can be said to a session. Numbers choose among what is possible at that moment. */
const moves = [
  'user',
  'says',
  'asks',
  'asksTwo',
  'asksRubbish',
  'returns',
  'returnsAgain',
  'fails',
  'stop',
  'stopAll',
  'pause',
  'resume',
  'nudge',
  'intervene',
  'injectUser',
  'injectSystem',
  'injectTool',
  'injectControl',
  'stepModeOn',
  'stepModeOff',
  'step',
  'edit',
  'recovered',
  'stale',
  'reset',
  'act',
] as const
type Move = (typeof moves)[number]

class Play {
  readonly session = new GivenSession(personasOf(persona({ steps: 6, identicalCalls: 3, queuedTurns: 1 })))
  readonly accepted: string[] = []
  #count = 0

  move(move: Move): void {
    const { session } = this
    const n = this.#count++
    const waiting = session.state.turn?.phase === 'model'
    switch (move) {
      case 'user':
        this.accepted.push(`t${n}`)
        session.user(`t${n}`)
        return
      case 'act':
        this.accepted.push(`t${n}`)
        session.tell({ kind: 'Act', v: 1, turnId: `t${n}`, action: 'summarize', metadata: {} })
        return
      case 'says':
        if (waiting) session.says(`answer ${n}`)
        return
      case 'asks':
        if (waiting) session.asksFor(`echo {"n":${n}}`)
        return
      case 'asksTwo':
        if (waiting) session.asksFor('echo {"n":1}', 'timestamp {}')
        return
      case 'asksRubbish':
        if (waiting) session.asksFor('echo <<<')
        return
      case 'returns':
      case 'returnsAgain':
        session.returns(move === 'returns' ? 0 : 1)
        return
      case 'fails':
        if (waiting)
          session.tell({ kind: 'ModelFailed', call: session.call, code: 'MODEL_UNAVAILABLE', detail: 'down' })
        return
      case 'stop':
      case 'stopAll':
        session.tell({ kind: 'Stop', v: 1, reason: '', alsoQueued: move === 'stopAll', partialText: 'partial' })
        return
      case 'pause':
        session.tell({ kind: 'Pause', v: 1, reason: '' })
        return
      case 'resume':
        session.tell({ kind: 'Resume', v: 1 })
        return
      case 'nudge':
        session.tell({ kind: 'Nudge', v: 1 })
        return
      case 'intervene':
        if (session.state.turn) session.tell({ kind: 'Intervene', v: 1, text: 'wait', partialText: 'partial' })
        return
      case 'injectUser':
      case 'injectSystem': {
        if (!session.state.turn) return
        const role = move === 'injectUser' ? 'user' : 'system'
        session.tell({ kind: 'Inject', v: 1, message: { role, content: 'injected' }, by: 'ann', why: '' })
        return
      }
      case 'injectTool':
      case 'injectControl': {
        const callId = session.state.turn?.calls[0]?.callId
        if (move === 'injectTool' && callId === undefined) return
        const names = ['stop', 'pause', 'resume', 'nudge', 'reset'] as const
        const message =
          move === 'injectTool'
            ? ({ role: 'tool', callId: callId ?? '', content: 'by hand' } as const)
            : ({ role: 'control', command: { name: names[n % names.length] ?? 'stop' } } as const)
        session.tell({ kind: 'Inject', v: 1, message, by: 'ann', why: '' })
        return
      }
      case 'stepModeOn':
      case 'stepModeOff':
        session.tell({ kind: 'SetStepMode', v: 1, on: move === 'stepModeOn', by: 'ann', why: '' })
        return
      case 'step':
        this.step()
        return
      case 'edit': {
        const { turn } = session.state
        const [call] = turn?.calls ?? []
        const edit =
          turn?.hold?.before === 'call' && call
            ? ({ what: 'call', callId: call.callId, arguments: n % 2 === 0 ? '{"n":0}' : '<<<' } as const)
            : ({ what: 'message', position: session.state.history.length - 1, content: 'edited' } as const)
        session.tell({ kind: 'EditPending', v: 1, hold: turn?.hold?.hold ?? 1, edit, by: 'ann', why: '' })
        return
      }
      case 'recovered':
        if (session.behaviour.pendingEffects(session.state).length > 0) session.tell({ kind: 'Recovered' })
        return
      case 'stale':
        session.model({ text: 'stale' }, { turnId: 't0', step: 1, attempt: 99 })
        return
      case 'reset':
        session.tell({ kind: 'Reset', v: 1 })
    }
  }

  step(): void {
    const { hold } = this.session.state.turn ?? {}
    this.session.now += 3_600_000
    this.session.tell({ kind: 'Step', v: 1, hold: hold?.hold ?? 1, by: 'ann' })
  }

  /** Lets everything that waits come to its end. */
  drain(): void {
    const { session } = this
    session.tell({ kind: 'Resume', v: 1 })
    for (let guard = 0; guard < 200 && session.state.turn; guard++) {
      if (session.state.turn.hold) this.step()
      else if (session.state.turn.phase === 'model') session.says('the end')
      else session.state.turn.calls.forEach((_, index) => void session.returns(index))
    }
  }
}

const play = fc.array(fc.constantFrom(...moves), { maxLength: 60 })

/** A model call, or a call that left for its tool (one refused at once has its outcome in the same decision). */
function beginsStep(event: SessionEvent, { events }: GivenSession): boolean {
  if (event.kind === 'ModelCallStarted') return true
  if (event.kind !== 'ToolCallStarted') return false
  const { callId } = event
  return !events.some((one) => one.kind === 'ToolCallFinished' && one.callId === callId)
}

function endsOf(session: GivenSession): string[] {
  return session.events.flatMap((event) =>
    event.kind === 'TurnFinished' || event.kind === 'UserTurnRejected' ? [event.turnId] : [],
  )
}

/** What every endpoint insists on: results right behind their calls, one each, and no result without a call. */
function expectWellFormed(messages: readonly ModelMessage[]): void {
  let open: string[] = []
  for (const message of messages) {
    if (message.role === 'tool') {
      expect(open).to.include(message.toolCallId)
      open = open.filter((id) => id !== message.toolCallId)
      continue
    }
    expect(open, 'calls left without a result').to.deep.equal([])
    if (message.role === 'assistant') open = (message.toolCalls ?? []).map((call) => call.id)
  }
  expect(open).to.deep.equal([])
}

describe('any history of a session', () => {
  it('ends every accepted turn exactly once', () => {
    fc.assert(
      fc.property(play, (script) => {
        const game = new Play()
        for (const move of script) game.move(move)
        game.drain()
        expect(endsOf(game.session).toSorted()).to.deep.equal(game.accepted.toSorted())
      }),
      { numRuns: 1_000 },
    )
  })

  it('never rests with work that nothing will wake', () => {
    fc.assert(
      fc.property(play, (script) => {
        const run = new Play()
        for (const move of script) {
          run.move(move)
          const { turn, paused, queue } = run.session.state
          if (!paused) expect(turn !== undefined || queue.length === 0, 'a queued turn waits for nobody').to.equal(true)
          if (!paused && turn?.phase === 'held') expect(turn.hold?.before).to.equal('model')
          if (turn?.hold) expect(paused || run.session.state.stepMode, 'held outside step mode').to.equal(true)
          if (!paused && turn?.hold?.before === 'call') {
            const { callId } = turn.hold
            expect(
              unsentCalls(turn).some((call) => call.callId === callId),
              'the held call is gone',
            ).to.equal(true)
          }
          if (turn?.phase === 'tools' && !paused) {
            expect(
              turn.calls.some((call) => call.by === 'server' && !call.outcome),
              'all calls returned, no next step',
            ).to.equal(true)
          }
          expect(run.session.behaviour.pendingEffects(run.session.state)).to.have.length(
            turn?.phase === 'model' ? 1 : 0,
          )
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('sends nothing in step mode but by a Step', () => {
    fc.assert(
      fc.property(play, (script) => {
        const game = new Play()
        for (const move of script) {
          const before = game.session.events.length
          const { stepMode } = game.session.state
          game.move(move)
          if (!stepMode || !game.session.state.stepMode || move === 'step') continue
          const begun = game.session.events.slice(before).filter((event) => beginsStep(event, game.session))
          // A nudge, and a recovery, start again what a Step had begun.
          if (!['nudge', 'recovered', 'injectControl'].includes(move)) expect(begun).to.deep.equal([])
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('folds to the same state from its events alone', () => {
    fc.assert(
      fc.property(play, (script) => {
        const { session } = playOut(script)
        const folded = session.events.reduce(session.behaviour.evolve, session.behaviour.initial)
        expect(folded).to.deep.equal(session.state)
      }),
      { numRuns: 300 },
    )
  })

  it('always makes a request that a model endpoint accepts', () => {
    fc.assert(
      fc.property(play, fc.integer({ min: 60, max: 2_000 }), (script, tokens) => {
        const { session } = playOut(script)
        const window = contextWindow(session.state, persona(), tokens, session.now)
        if (window) expectWellFormed(window.messages)
      }),
      { numRuns: 500 },
    )
  })
})

function playOut(script: readonly Move[]): Play {
  const game = new Play()
  for (const move of script) game.move(move)
  return game
}
