import { expect } from 'chai'
import fc from 'fast-check'
import type { When } from '../../../actors/session/protocol.ts'
import { timerChanges } from '../../../actors/session/timer-state.ts'
import type { ToolOutcome } from '../../../actors/tool/protocol.ts'
import { GivenSession, SESSION_ID } from '../../support/given-session.ts'

const NINE = Date.parse('2026-05-01T09:00:00Z')
const HOUR = 3_600_000
const hourly: When = { cron: '0 * * * *', timeZone: 'UTC' }

class WithTimers extends GivenSession {
  override now = NINE - 60_000
  asked = 0

  set(when: When, name?: string, message = 'water the plants') {
    const callId = `${SESSION_ID}/call-${this.asked++}`
    return this.tell({ kind: 'Schedule', v: 1, callId, when, message, ...(name !== undefined && { name }) })
  }

  tick(timerId: string, due: number) {
    return this.tell({ kind: 'Tick', v: 1, timerId, due })
  }

  get timers() {
    return Object.values(this.state.timers ?? {})
  }
}

function given(): WithTimers {
  const session = new WithTimers()
  session.user('t1')
  session.says('hello')
  return session
}

const kinds = (decision: { events: readonly { kind: string }[] }) => decision.events.map(({ kind }) => kind)
const answer = (decision: { outbox?: readonly unknown[] }) => {
  const [sent] = (decision.outbox ?? []) as { to: string; body: { kind: string; outcome: ToolOutcome } }[]
  expect(sent?.body.kind).to.equal('Settle')
  return sent?.body.outcome
}

describe('the timers of a session', () => {
  it('are set, told in the answer, and written beside the journal', () => {
    const session = given()
    const set = session.set(hourly, 'plants')
    expect(kinds(set)).to.deep.equal(['Scheduled'])
    expect(answer(set)).to.deep.include({ status: 'success' })
    expect(answer(set)?.output).to.include('plants').and.include('2026-05-01T09:00:00.000Z')
    const [timer] = session.timers
    expect(timer).to.deep.include({ name: 'plants', due: NINE, when: hourly })
    const changed = timerChanges(session.state, set.events)
    expect(changed).to.deep.equal({ timers: [{ timerId: timer?.timerId, tenant: 'acme', due: NINE }] })
  })

  it('D2: a tick begins a turn with the message, for the time it was due, once', () => {
    const session = given()
    session.set(hourly)
    const { timerId = '' } = session.timers[0] ?? {}
    session.now = NINE + 5
    const fired = session.tick(timerId, NINE)
    expect(kinds(fired).slice(0, 3)).to.deep.equal(['ScheduleFired', 'UserTurnAccepted', 'TurnStarted'])
    expect(fired.events[1]).to.deep.include({ turnId: `${SESSION_ID}/${timerId}/${NINE}`, text: 'water the plants' })
    expect(timerChanges(session.state, fired.events)).to.have.nested.property('timers[0].due', NINE + HOUR)
    expect(session.tick(timerId, NINE).events).to.deep.equal([])
  })

  it('D2: a tick before its time, of another time, or of no timer changes nothing', () => {
    const session = given()
    session.set(hourly)
    const { timerId = '' } = session.timers[0] ?? {}
    for (const [id, due] of [
      [timerId, NINE],
      [timerId, NINE - HOUR],
      ['t999', NINE],
    ] as const) {
      expect(session.tick(id, due).events).to.deep.equal([])
    }
  })

  it('D3: what passed while nobody could be told is one turn that says how many', () => {
    const session = given()
    session.set(hourly)
    const { timerId = '' } = session.timers[0] ?? {}
    session.now = NINE + 5 * HOUR + 1
    const fired = session.tick(timerId, NINE)
    expect(fired.events[0]).to.deep.include({ due: NINE, missed: 5, next: NINE + 6 * HOUR })
    expect(fired.events[1]).to.have.property('text').that.includes('5 more times')
    expect(session.finals()).to.have.length(1)
  })

  it('fires once for a time, and is over', () => {
    const session = given()
    session.set({ at: NINE })
    const { timerId = '' } = session.timers[0] ?? {}
    session.now = NINE + 10 * HOUR
    const fired = session.tick(timerId, NINE)
    expect(session.timers).to.deep.equal([])
    expect(timerChanges(session.state, fired.events)).to.have.nested.property('timers[0].due', null)
  })

  it('waits with its turn while the session is paused', () => {
    const session = given()
    session.set({ at: NINE })
    session.tell({ kind: 'Pause', v: 1, reason: '' })
    session.now = NINE
    session.tick(session.timers[0]?.timerId ?? '', NINE)
    expect(session.state.queue).to.have.length(1)
    expect(kinds(session.tell({ kind: 'Resume', v: 1 }))).to.include('TurnStarted')
  })

  for (const [what, when, name, code] of [
    ['a time that is over', { at: NINE - 2 * HOUR }, undefined, 'TOOL_ARGUMENTS'],
    ['a time beyond five years', { at: NINE + 6 * 366 * 24 * HOUR }, undefined, 'TOOL_ARGUMENTS'],
    ['a name that is taken', hourly, 'taken', 'TOOL_ARGUMENTS'],
  ] as const) {
    it(`D4: refuses ${what}, and says what to do`, () => {
      const session = given()
      session.set(hourly, 'taken')
      const refused = session.set(when, name)
      expect(answer(refused)).to.deep.include({ status: 'error', code })
      expect(kinds(refused), 'what is sent needs an event').to.deep.equal(['TimersAnswered'])
      expect(session.timers).to.have.length(1)
    })
  }

  it('D4: refuses more timers than its limit', () => {
    const session = given()
    for (let n = 0; n < 32; n++) session.set(hourly)
    expect(answer(session.set(hourly))).to.deep.include({ status: 'error', code: 'SCHEDULE_LIMIT' })
    expect(session.timers).to.have.length(32)
  })

  it('are listed, and cancelled by id or by name', () => {
    const session = given()
    session.set(hourly, 'plants')
    session.set({ at: NINE }, undefined, 'once')
    const list = answer(session.tell({ kind: 'ListTimers', v: 1, callId: 'c' }))
    expect(list?.output.split('\n')).to.have.length(2)
    const cancel = (timer: string) => session.tell({ kind: 'CancelTimer', v: 1, timer, callId: 'c', by: 'me' })
    expect(answer(cancel('plants'))).to.deep.include({ status: 'success' })
    expect(answer(cancel('plants'))).to.deep.include({ status: 'error' })
    cancel(session.timers[0]?.timerId ?? '')
    expect(session.timers).to.deep.equal([])
  })

  it('a question that is delivered again, with a timer of that name by now, still has an event for its answer', () => {
    const session = given()
    const callId = `${SESSION_ID}/call`
    const again = { kind: 'Schedule', v: 1, callId, when: hourly, message: 'x', name: 'x' } as const
    session.tell(again)
    for (const told of [again, { kind: 'ListTimers', v: 1, callId } as const]) {
      const { events, outbox } = session.tell(told)
      expect([events.length, outbox?.length]).to.deep.equal([1, 1])
    }
  })

  for (const kind of ['Reset', 'Delete'] as const) {
    it(`end with a ${kind}, in the table too`, () => {
      const session = given()
      session.set(hourly)
      const { timerId } = session.timers[0] ?? {}
      const gone = session.tell({ kind, v: 1 })
      expect(session.timers).to.deep.equal([])
      expect(timerChanges(session.state, gone.events)).to.deep.equal({
        timers: [{ timerId, tenant: 'acme', due: null }],
      })
    })
  }

  it('D1, D2: the table always says what the state says, and each time makes one turn, whatever is told in which order', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('set' as const), every: fc.integer({ min: 1, max: 59 }) }),
      fc.record({ do: fc.constant('pass' as const), minutes: fc.integer({ min: 0, max: 200 }) }),
      fc.record({
        do: fc.constant('tick' as const),
        which: fc.nat(5),
        twice: fc.boolean(),
        off: fc.integer({ min: -1, max: 1 }),
      }),
      fc.record({ do: fc.constant('cancel' as const), which: fc.nat(5) }),
      fc.record({ do: fc.constant('reset' as const) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const session = given()
        const table = new Map<string, number>()
        const told = (decision: ReturnType<WithTimers['tell']>) => {
          for (const { timerId, due } of timerChanges(session.state, decision.events).timers ?? []) {
            if (due === null) table.delete(timerId)
            else table.set(timerId, due)
          }
        }
        for (const one of steps) {
          const timer = 'which' in one ? session.timers[one.which] : undefined
          if (one.do === 'set') told(session.set({ cron: `*/${one.every} * * * *`, timeZone: 'UTC' }))
          if (one.do === 'pass') session.now += one.minutes * 60_000
          if (one.do === 'tick' && timer) {
            for (let n = 0; n < (one.twice ? 2 : 1); n++) told(session.tick(timer.timerId, timer.due + one.off))
          }
          if (one.do === 'cancel' && timer) {
            told(session.tell({ kind: 'CancelTimer', v: 1, timer: timer.timerId, by: 'me' }))
          }
          if (one.do === 'reset') told(session.tell({ kind: 'Reset', v: 1 }))
          expect([...table].sort()).to.deep.equal(session.timers.map(({ timerId, due }) => [timerId, due]).sort())
        }
        const turns = session.events.flatMap((event) => (event.kind === 'UserTurnAccepted' ? [event.turnId] : []))
        expect(new Set(turns).size).to.equal(turns.length)
      }),
      { numRuns: 300 },
    )
  })
})
