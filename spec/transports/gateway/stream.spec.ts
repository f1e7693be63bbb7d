import { expect } from 'chai'
import fc from 'fast-check'
import type { Failure } from '../../../actors/kernel/failure.ts'
import { silentLogger } from '../../../actors/kernel/telemetry.ts'
import { followSession, type StreamSink } from '../../../transports/gateway/stream.ts'
import { InProcessOutbound } from '../../../transports/in-process-outbound.ts'
import type { Announcement, Preview } from '../../../transports/outbound.ts'
import { FakeSessions } from '../../support/fake-sessions.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const ID = '3f0c8e0a-0000-4000-8000-000000000001'

class RecordingSink implements StreamSink {
  readonly seqs: number[] = []
  readonly previews: string[] = []
  readonly order: string[] = []
  ended: Failure | undefined
  /** Frames it takes before it is full. */
  room = Number.POSITIVE_INFINITY

  event(announcement: Announcement): boolean {
    this.seqs.push(announcement.seq)
    this.order.push(announcement.event.type)
    return --this.room > 0
  }

  preview(preview: Preview): boolean {
    this.previews.push(preview.text)
    this.order.push('preview')
    return --this.room > 0
  }

  end(failure: Failure): void {
    this.ended = failure
  }
}

/** Lets every promise that can settle do so. */
async function settled(): Promise<void> {
  for (let round = 0; round < 20; round++) await Promise.resolve()
}

function given() {
  const clock = new VirtualClock()
  const outbound = new InProcessOutbound(silentLogger)
  const sessions = new FakeSessions(outbound, clock)
  const sources = { outbound, reader: sessions, clock, limits: { pendingEvents: 50, stallMs: 30_000 } }
  const sink = new RecordingSink()
  const follow = (after: number | 'live' = 0) => followSession(sources, { sessionId: ID, after }, sink)
  const happen = (count: number) => {
    for (let i = 0; i < count; i++) sessions.event(ID, 'session.metadata')
  }
  const preview = (text: string, step = 1, attempt = 1, turnId = 't1') =>
    sessions.preview({ sessionId: ID, turnId, step, attempt, index: 0, delta: '', text })
  return { clock, outbound, sessions, sources, sink, follow, happen, preview }
}

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

describe('a stream of a session', () => {
  it('S1: gives the journal after the cursor, then what happens, each once and in order', async () => {
    const { sink, follow, happen } = given()
    happen(450)
    follow(3)
    happen(10)
    await settled()
    happen(5)
    await settled()
    expect(sink.seqs).to.deep.equal(upTo(465, 4))
  })

  it('S1: fills the gap that a lost announcement leaves, and at the next check one with none after it', async () => {
    const { sessions, sink, follow, happen } = given()
    const stream = follow()
    await settled()
    sessions.lost.add(2).add(3).add(5)
    sessions.event(ID, 'user.message')
    happen(3)
    await settled()
    expect(sink.seqs).to.deep.equal([1, 2, 3, 4])
    happen(1)
    stream.check()
    await settled()
    expect(sink.seqs).to.deep.equal([1, 2, 3, 4, 5])
  })

  it('S1: asks again, later and later, for an event announced before the journal shows it', async () => {
    const { clock, outbound, sessions, sink, follow, happen } = given()
    happen(2)
    const [first, second] = sessions.journals.get(ID) as [Announcement, Announcement]
    sessions.journals.set(ID, [])
    follow()
    await settled()
    outbound.announce(second)
    await settled()
    clock.advance(100)
    await settled()
    expect(sink.seqs).to.deep.equal([])
    sessions.journals.set(ID, [first, second])
    clock.advance(1_000)
    await settled()
    expect(sink.seqs).to.deep.equal([1, 2])
  })

  it('S1: lets a repeated announcement go, without looking for what is not missing', async () => {
    const { outbound, sessions, sink, follow, happen } = given()
    happen(3)
    follow()
    await settled()
    const reads = sessions.reads
    for (const again of sessions.journals.get(ID) ?? []) outbound.announce(again)
    await settled()
    expect(sink.seqs).to.deep.equal([1, 2, 3])
    expect(sessions.reads).to.equal(reads)
  })

  it('S1 holds whatever is lost, repeated, or out of order, and wherever the reader stops to breathe', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('happen' as const), lost: fc.boolean() }),
      fc.record({ kind: fc.constant('repeat' as const), back: fc.nat(5) }),
      fc.record({ kind: fc.constant('settle' as const) }),
      fc.record({ kind: fc.constant('breathe' as const), room: fc.integer({ min: 1, max: 3 }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.nat(5), fc.array(step, { maxLength: 60 }), async (already, steps) => {
        const { outbound, sessions, sink, follow, happen, clock } = given()
        happen(already)
        sink.room = 2
        const stream = follow()
        for (const one of steps) {
          const journal = sessions.journals.get(ID) ?? []
          if (one.kind === 'happen') {
            if (one.lost) sessions.lost.add(journal.length + 1)
            happen(1)
          } else if (one.kind === 'repeat') {
            const again = journal.at(-1 - one.back)
            if (again) outbound.announce(again)
          } else if (one.kind === 'breathe') {
            sink.room = one.room
            stream.drained()
          } else {
            await settled()
          }
        }
        sessions.event(ID, 'user.message')
        sink.room = Number.POSITIVE_INFINITY
        stream.drained()
        stream.check()
        await settled()
        clock.advance(2_000)
        await settled()
        expect(sink.ended).to.equal(undefined)
        expect(sink.seqs).to.deep.equal(upTo((await sessions.head(ID)) as number))
      }),
      { numRuns: 150 },
    )
  })

  it('S1: a live reader that was only just heard of does not read the whole journal', async () => {
    const { outbound, sessions, sources, sink, happen } = given()
    happen(100)
    followSession(sources, { sessionId: ID, after: 'live', expecting: true }, sink)
    outbound.missed(ID, 'began')
    await settled()
    expect([sessions.reads, sink.seqs]).to.deep.equal([0, []])
    happen(1)
    await settled()
    expect([sessions.reads, sink.seqs]).to.deep.equal([0, [101]])
  })

  it('S1: a live reader that waits for something looks into the journal when its session moved: it may be there', async () => {
    const { outbound, sessions, sources, sink, happen } = given()
    followSession(sources, { sessionId: ID, after: 'live', expecting: true }, sink)
    const idle = new RecordingSink()
    followSession(sources, { sessionId: ID, after: 'live' }, idle)
    sessions.lost.add(1)
    happen(1)
    outbound.missed(ID, 'moved')
    await settled()
    expect(sink.seqs).to.deep.equal([1])
    expect(idle.seqs, 'one that waits for nothing has missed nothing').to.deep.equal([])
  })

  for (const since of ['began', 'moved'] as const) {
    it(`S1: a reader with a cursor reads what it missed (${since})`, async () => {
      const { outbound, sessions, sources, sink, follow, happen } = given()
      happen(3)
      follow(3)
      const live = new RecordingSink()
      followSession(sources, { sessionId: ID, after: 'live' }, live)
      await settled()
      happen(1)
      sessions.lost.add(5).add(6)
      happen(2)
      outbound.missed(ID, since)
      await settled()
      expect(sink.seqs).to.deep.equal([4, 5, 6])
      expect(live.seqs, 'one that began live and has heard something since').to.deep.equal([4, 5, 6])
    })
  }

  it('S2: shows the partial text of a step in progress to one who comes late, after the journal', async () => {
    const { sessions, sink, follow, preview } = given()
    sessions.event(ID, 'assistant.started', '', { turn_id: 't1', step: 1, attempt: 1 })
    preview('Hel')
    follow()
    await settled()
    expect(sink.order).to.deep.equal(['assistant.started', 'preview'])
    expect(sink.previews).to.deep.equal(['Hel'])
  })

  it('S2: shows none of a step that an event has ended', async () => {
    const { sessions, sink, follow, preview } = given()
    follow()
    await settled()
    sessions.event(ID, 'assistant.started', '', { turn_id: 't1', step: 1, attempt: 1 })
    sessions.event(ID, 'assistant.restarted', '', { turn_id: 't1', step: 1, attempt: 2 })
    preview('of the lost attempt', 1, 1)
    preview('of this one', 1, 2)
    sessions.event(ID, 'assistant.final', 'done', { turn_id: 't1' })
    preview('too late', 1, 2)
    expect(sink.previews).to.deep.equal(['of this one'])
  })

  it('S3: gathers previews for a slow reader into the newest', async () => {
    const { sink, follow, preview } = given()
    const stream = follow()
    await settled()
    sink.room = 1
    for (const text of ['a', 'ab', 'abc', 'abcd']) preview(text)
    sink.room = 10
    stream.drained()
    expect(sink.previews).to.deep.equal(['a', 'abcd'])
  })

  it('S3: cuts off a reader that more events wait for than allowed, with a cursor that loses nothing', async () => {
    const { sources, sink, follow, happen } = given()
    const stream = follow()
    await settled()
    sink.room = 3
    happen(60)
    expect(sink.ended?.code).to.equal('SLOW_READER')
    expect(stream.cursor).to.equal(3)
    const next = new RecordingSink()
    followSession(sources, { sessionId: ID, after: stream.cursor }, next)
    await settled()
    expect([...sink.seqs, ...next.seqs]).to.deep.equal(upTo(60))
  })

  it('S3: cuts off a reader that takes nothing for too long', async () => {
    const { clock, sink, follow, happen } = given()
    const stream = follow()
    await settled()
    sink.room = 1
    happen(2)
    clock.advance(29_000)
    stream.check()
    expect(sink.ended).to.equal(undefined)
    clock.advance(2_000)
    stream.check()
    expect(sink.ended?.code).to.equal('SLOW_READER')
  })

  it('S3: does not cut off one that reads a long past while more happens', async () => {
    const { sink, follow, happen } = given()
    happen(500)
    follow()
    happen(500)
    await settled()
    await settled()
    expect(sink.ended).to.equal(undefined)
    expect(sink.seqs).to.deep.equal(upTo(1_000))
  })

  it('says nothing after close', async () => {
    const { sink, follow, happen, preview } = given()
    const stream = follow()
    happen(1)
    stream.close()
    happen(1)
    preview('x')
    await settled()
    expect(sink.seqs).to.deep.equal([])
    expect(sink.previews).to.deep.equal([])
  })
})
