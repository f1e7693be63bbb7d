import { expect } from 'chai'
import {
  type AcceptedMessage,
  type History,
  type JournaledEvent,
  judge,
  type ToolMark,
} from '../../supervisors/drills/ledger.ts'
import { distribution, timesToFinal, timesToReady } from '../../supervisors/drills/recovery.ts'

type Kind = Exclude<keyof ReturnType<typeof judge>, 'passed' | 'accepted' | 'completed' | 'unknown'>

/** Two messages in one session, the second with a tool call, all as it should be. */
const good = {
  accepted: [message('m1', 'turn-1'), message('m2', 'turn-2', 1)],
  journal: [
    event(1, 'session.started'),
    event(2, 'user.message', { turnId: 'turn-1', key: 'm1' }),
    event(3, 'user.message', { turnId: 'turn-2', key: 'm2' }),
    event(4, 'assistant.final', { turnId: 'turn-1', outcome: 'completed' }),
    event(5, 'tool.result', { turnId: 'turn-2', call: { id: 's/m2/0', status: 'success' } }),
    event(6, 'assistant.final', { turnId: 'turn-2', outcome: 'completed' }),
  ],
  marks: [mark('start', 'm2/0'), mark('done', 'm2/0')],
}

describe('verdict of a drill', () => {
  it('passes a history in which all is well', () => {
    const verdict = judge(history({}))
    expect(verdict).to.include({ passed: true, accepted: 2, completed: 2 })
  })

  const faults: readonly { fault: string; told: Kind; history: Partial<Parts> }[] = [
    {
      fault: 'an accepted message that is not in the journal',
      told: 'lost',
      history: { accepted: [...good.accepted, message('m3', 'turn-3')] },
    },
    { fault: 'a message without a final', told: 'lost', history: { journal: without(6) } },
    { fault: 'a final whose message is gone', told: 'lost', history: { journal: without(2) } },
    { fault: 'a session whose journal is gone', told: 'lost', history: { journal: [] } },
    { fault: 'two finals of one message', told: 'duplicated', history: { journal: twice(4) } },
    { fault: 'one message taken twice', told: 'duplicated', history: { journal: twice(2) } },
    {
      fault: 'a repeated request that became another message',
      told: 'duplicated',
      history: { accepted: [{ ...message('m1', 'turn-1'), eventIds: ['turn-1', 'turn-9'] }] },
    },
    {
      fault: 'a turn that failed',
      told: 'failed',
      history: { journal: replaced(4, event(4, 'assistant.final', { turnId: 'turn-1', outcome: 'failed' })) },
    },
    {
      fault: 'a tool that started twice under one call',
      told: 'doubled',
      history: { marks: [...good.marks, mark('start', 'm2/0')] },
    },
    {
      fault: 'a tool that started twice under two calls',
      told: 'doubled',
      history: { marks: [...good.marks, { ...mark('start', 'm2/0'), callId: 'another' }] },
    },
    { fault: 'a call answered without having run', told: 'unrun', history: { marks: [] } },
    { fault: 'a call answered before it had finished', told: 'unrun', history: { marks: good.marks.slice(0, 1) } },
    { fault: 'a call that was never made', told: 'unrun', history: { journal: without(5) } },
    {
      fault: 'messages taken in another order than accepted',
      told: 'outOfOrder',
      history: { journal: swapped(2, 3) },
    },
    {
      fault: 'messages answered in another order than accepted',
      told: 'outOfOrder',
      history: { journal: swapped(4, 6) },
    },
    { fault: 'a reader that missed an event', told: 'gaps', history: { seen: without(5) } },
    { fault: 'a reader that missed the last event', told: 'gaps', history: { seen: without(6) } },
    { fault: 'a reader that saw an event twice', told: 'gaps', history: { seen: twice(5) } },
    { fault: 'a reader that saw events out of order', told: 'gaps', history: { seen: disordered() } },
    {
      fault: 'a reader that saw what was never journaled',
      told: 'gaps',
      history: { seen: [...good.journal, event(7, 'x')] },
    },
    {
      fault: 'a reader that saw an event otherwise than journaled',
      told: 'gaps',
      history: { seen: replaced(5, { ...event(5, 'tool.result'), digest: 'other' }) },
    },
    { fault: 'a reader whose honest cursor was refused', told: 'gaps', history: { refusals: ['400 INVALID_CURSOR'] } },
  ]

  for (const { fault, told, history: parts } of faults) {
    it(`tells ${fault}`, () => {
      const verdict = judge(history(parts))
      expect(verdict[told], told).to.not.deep.equal([])
      expect(verdict.passed).to.equal(false)
    })
  }

  it('takes an unknown outcome for what it is, and counts it', () => {
    const journal = replaced(
      5,
      event(5, 'tool.result', { turnId: 'turn-2', call: { id: 's/m2/0', status: 'unknown' } }),
    )
    expect(judge(history({ journal, marks: [] }))).to.include({ passed: true, unknown: 1 })
  })

  it('lets an idempotent tool run again', () => {
    const marks = [...good.marks, mark('start', 'm2/0')].map((one) => ({ ...one, idempotent: true }))
    expect(judge(history({ marks })).passed).to.equal(true)
  })
})

describe('recovery times of a drill', () => {
  const kill = (at: number, readyAt?: number) => ({ at, moment: 'any', ...(readyAt !== undefined && { readyAt }) })

  it('counts to the first final after the kill', () => {
    expect(timesToFinal([kill(1_000), kill(5_000)], [900, 1_700, 1_800, 5_400])).to.deep.equal([700, 400])
  })

  it('counts a kill during a recovery as part of it, from the first', () => {
    expect(timesToFinal([kill(1_000), kill(1_500)], [2_500])).to.deep.equal([1_500])
  })

  it('counts readiness only where it came', () => {
    expect(timesToReady([kill(1_000), kill(1_500, 1_900)])).to.deep.equal([400])
  })

  it('takes percentiles by rank', () => {
    const times = Array.from({ length: 100 }, (_, n) => 100 - n)
    expect(distribution(times)).to.deep.equal({ count: 100, p50: 50, p99: 99, max: 100 })
  })
})

interface Parts {
  readonly accepted: readonly AcceptedMessage[]
  readonly journal: readonly JournaledEvent[]
  readonly marks: readonly ToolMark[]
  readonly seen: readonly JournaledEvent[]
  readonly refusals: readonly string[]
}

function history(parts: Partial<Parts>): History {
  const { accepted = good.accepted, journal = good.journal, marks = good.marks, refusals = [] } = parts
  const { seen = journal } = parts
  return {
    accepted,
    journals: new Map([['s', journal]]),
    readers: [{ name: 'reader', sessionId: 's', seen, refusals }],
    marks,
  }
}

function message(key: string, eventId: string, calls = 0): AcceptedMessage {
  return { key, sessionId: 's', eventIds: [eventId], calls }
}

function event(seq: number, type: string, over: Partial<JournaledEvent> = {}): JournaledEvent {
  return { seq, at: seq * 10, type, digest: `${seq} ${type}`, ...over }
}

function mark(kind: ToolMark['mark'], key: string): ToolMark {
  return { mark: kind, tool: 'drill_once', idempotent: false, callId: `s/${key}`, key, pid: 1 }
}

function without(seq: number): JournaledEvent[] {
  return good.journal.filter((one) => one.seq !== seq)
}

function twice(seq: number): JournaledEvent[] {
  return good.journal.flatMap((one) => (one.seq === seq ? [one, one] : [one]))
}

function replaced(seq: number, by: JournaledEvent): JournaledEvent[] {
  return good.journal.map((one) => (one.seq === seq ? by : one))
}

/** The two events in each other's place, with each other's seq: a journal that is dense and wrong. */
function swapped(a: number, b: number): JournaledEvent[] {
  const of = (seq: number) => good.journal[seq - 1] as JournaledEvent
  return good.journal.map((one) => (one.seq === a ? { ...of(b), seq: a } : one.seq === b ? { ...of(a), seq: b } : one))
}

function disordered(): JournaledEvent[] {
  const [first, second, ...rest] = good.journal as [JournaledEvent, JournaledEvent, ...JournaledEvent[]]
  return [second, first, ...rest]
}
