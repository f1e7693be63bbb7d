import { expect } from 'chai'
import { silentLogger } from '../../../actors/kernel/telemetry.ts'
import {
  type FetchClient,
  type FetchedPartition,
  OffsetOutOfRange,
  type WantedPartition,
} from '../../../transports/kafka/fetch-client.ts'
import { LogReader } from '../../../transports/kafka/log-reader.ts'
import { settled, until } from '../../support/probe.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

interface Asked {
  readonly broker: number
  readonly wanted: readonly WantedPartition[]
  answer(...fetched: FetchedPartition[]): void
  fail(error: Error): void
}

/** Brokers that answer when the spec says so. */
class Brokers implements FetchClient {
  readonly leaders = new Map<number, number>()
  readonly asked: Asked[] = []
  readonly dropped: number[] = []
  edges = { earliest: 0, latest: 0 }
  edge = async (_: string, __: number, which: 'earliest' | 'latest') => this.edges[which]
  refresh = async () => {}
  /** A fetch that found something is followed a little later. */
  tick = () => {}
  constructor(...leaders: number[]) {
    leaders.forEach((broker, partition) => {
      this.leaders.set(partition, broker)
    })
  }
  async connect() {}
  leaderOf(_: string, partition: number) {
    return this.leaders.get(partition)
  }
  brokers() {
    return [1, 2]
  }
  fetch(broker: number, wanted: readonly WantedPartition[]) {
    return new Promise<readonly FetchedPartition[]>((resolve, fail) => {
      this.asked.push({ broker, wanted, answer: (...fetched) => resolve(fetched), fail })
    })
  }
  async drop(broker: number) {
    this.dropped.push(broker)
    throw new Error('it was gone')
  }
  async close() {}
  /** The oldest fetch of this broker that was not taken from here. */
  async next(broker: number): Promise<Asked> {
    const isAsked = () => this.asked.some((it) => it.broker === broker)
    await until(() => isAsked() || this.tick(), `a fetch of broker ${broker}`)
    return this.asked.splice(
      this.asked.findIndex((it) => it.broker === broker),
      1,
    )[0] as Asked
  }
}

function records(partition: number, ...offsets: number[]): FetchedPartition {
  const record = (offset: number) => ({ offset, timestamp: 0, key: null, value: null, headers: {} })
  return { topic: 't', partition, records: offsets.map(record), end: (offsets.at(-1) ?? 0) + 1 }
}

describe('log reader', () => {
  const opened: LogReader[] = []
  afterEach(async () => {
    for (const reader of opened.splice(0)) await reader.close()
  })

  async function given(brokers: Brokers) {
    const clock = new VirtualClock()
    let restarts = 0
    const reader = new LogReader({ client: brokers, clock, log: silentLogger, restarted: () => restarts++ })
    opened.push(reader)
    brokers.tick = () => clock.advance(1)
    await reader.start(['t'])
    const read = (partition: number, from: number | undefined = 0, wants = () => true) => {
      const taken: number[] = []
      const take = (those: readonly { offset: number }[]) => taken.push(...those.map(({ offset }) => offset))
      const opening = reader.read({ topic: 't', partition, from, wants, take })
      return { taken, close: opening.close }
    }
    const pass = async (ms: number) => {
      for (let gone = 0; gone < ms; gone += 50) {
        clock.advance(50)
        await settled(5)
      }
    }
    return { reader, read, pass, restarts: () => restarts }
  }

  it('takes a record once, whatever is fetched twice (L1)', async () => {
    const brokers = new Brokers(1)
    const { read } = await given(brokers)
    const { taken } = read(0, 5)
    ;(await brokers.next(1)).answer(records(0, 3, 4, 5, 6))
    ;(await brokers.next(1)).answer(records(0, 5, 6))
    ;(await brokers.next(1)).answer(records(0, 6, 7, 9))
    const { wanted } = await brokers.next(1)
    expect(taken).to.deep.equal([5, 6, 7, 9])
    expect(wanted[0]?.offset).to.equal(10)
  })

  it('takes a record once when its leader moves and both brokers deliver it (L1)', async () => {
    const brokers = new Brokers(1)
    const { read, pass } = await given(brokers)
    const { taken } = read(0)
    const old = await brokers.next(1)
    brokers.leaders.set(0, 2)
    await pass(100)
    const other = await brokers.next(2)
    other.answer(records(0, 0, 1))
    old.answer(records(0, 0, 1, 2))
    await settled()
    expect(taken).to.deep.equal([0, 1, 2])
  })

  it('takes nothing more for an opening that was closed or opened again', async () => {
    const brokers = new Brokers(1)
    const { read } = await given(brokers)
    const first = read(0)
    const asked = await brokers.next(1)
    const second = read(0)
    first.close()
    asked.answer(records(0, 0))
    await settled()
    expect([first.taken, second.taken]).to.deep.equal([[], [0]])
  })

  it('is held up by a broker that hangs only where that broker leads, and goes on at the next leader (L2)', async () => {
    const brokers = new Brokers(1, 2)
    const { read, pass } = await given(brokers)
    const [stuck, easy] = [read(0), read(1)]
    const hung = await brokers.next(1)
    for (let n = 0; n < 3; n++) (await brokers.next(2)).answer(records(1, n))
    await until(() => easy.taken.length === 3)
    brokers.leaders.set(0, 2)
    hung.fail(new Error('connection refused'))
    await pass(100)
    ;(await brokers.next(2)).answer()
    const asked = await brokers.next(2)
    expect(asked.wanted.map(({ partition }) => partition)).to.deep.equal([0, 1])
    asked.answer(records(0, 0))
    await until(() => stuck.taken.length === 1)
  })

  it('takes up a partition whose leader was unknown, though nothing fails (L2)', async () => {
    const brokers = new Brokers(1)
    brokers.leaders.clear()
    const { read, pass } = await given(brokers)
    const { taken } = read(0)
    brokers.refresh = async () => {
      brokers.leaders.set(0, 1)
    }
    await pass(1_200)
    ;(await brokers.next(1)).answer(records(0, 0))
    await until(() => taken.length === 1)
  })

  it('goes on at the oldest record there is when its offset is gone, and only once (L3)', async () => {
    const brokers = new Brokers(1)
    const { read, pass } = await given(brokers)
    brokers.edges = { earliest: 40, latest: 90 }
    const { taken } = read(0, 7)
    const old = await brokers.next(1)
    brokers.leaders.set(0, 2)
    await pass(100)
    ;(await brokers.next(2)).fail(new OffsetOutOfRange('t', 0))
    await pass(100)
    ;(await brokers.next(2)).answer(records(0, 40, 41))
    old.fail(new OffsetOutOfRange('t', 0))
    await pass(100)
    expect(taken).to.deep.equal([40, 41])
  })

  it('is not set back by a second loop that learnt the same while the first went on (L1, L3)', async () => {
    const brokers = new Brokers(1)
    const { read, pass } = await given(brokers)
    const { taken } = read(0, 7)
    const slow: ((offset: number) => void)[] = []
    brokers.edge = () => new Promise((resolve) => slow.push(resolve))
    const old = await brokers.next(1)
    brokers.leaders.set(0, 2)
    await pass(100)
    ;(await brokers.next(2)).fail(new OffsetOutOfRange('t', 0))
    old.fail(new OffsetOutOfRange('t', 0))
    await until(() => slow.length === 2)
    slow[0]?.(40)
    await pass(100)
    ;(await brokers.next(2)).answer(records(0, 40, 41))
    await settled()
    slow[1]?.(40)
    await pass(100)
    ;(await brokers.next(2)).answer(records(0, 40, 41))
    await settled()
    expect(taken).to.deep.equal([40, 41])
  })

  it('replaces a loop that hangs, and ignores what the old one brings late (L4)', async () => {
    const brokers = new Brokers(1)
    const { read, pass, restarts } = await given(brokers)
    const { taken } = read(0)
    const hung = await brokers.next(1)
    await pass(7_000)
    expect(restarts()).to.equal(0)
    await pass(3_000)
    expect([restarts(), brokers.dropped]).to.deep.equal([1, [1]])
    const fresh = await brokers.next(1)
    hung.answer(records(0, 0, 1))
    await settled()
    expect(taken, 'the old loop is over').to.deep.equal([])
    fresh.answer(records(0, 0, 1))
    await until(() => taken.length === 2)
    expect(brokers.asked.length, 'one loop').to.equal(1)
  })

  it('asks for nothing more of a partition that wants nothing, and goes on with the others (I9)', async () => {
    const brokers = new Brokers(1, 1)
    const { read, pass } = await given(brokers)
    let wants = false
    read(0, 0, () => wants)
    read(1)
    const asked = await brokers.next(1)
    expect(asked.wanted.map(({ partition }) => partition)).to.deep.equal([1])
    wants = true
    asked.answer()
    await pass(50)
    expect((await brokers.next(1)).wanted.map(({ partition }) => partition)).to.deep.equal([0, 1])
  })

  it('knows that brokers answer although there is nothing to read here', async () => {
    const { reader, pass } = await given(new Brokers(1))
    await pass(10_000)
    expect(reader.silentMs()).to.be.lessThan(1_500)
  })

  it('knows since when nobody answers at all, and that somebody does again', async () => {
    const brokers = new Brokers(1)
    const { reader, read, pass } = await given(brokers)
    brokers.refresh = () => Promise.reject(new Error('no broker is there'))
    read(0)
    ;(await brokers.next(1)).fail(new Error('connection refused'))
    await pass(5_000)
    expect(reader.silentMs()).to.be.greaterThan(4_500)
    brokers.refresh = async () => {}
    await pass(2_000)
    expect(reader.silentMs()).to.be.lessThan(1_500)
  })

  it('begins at the end of the log where it is told no offset', async () => {
    const brokers = new Brokers(1)
    brokers.edges = { earliest: 3, latest: 11 }
    const { reader } = await given(brokers)
    reader.read({ topic: 't', partition: 0, from: undefined, wants: () => true, take() {} })
    expect((await brokers.next(1)).wanted[0]?.offset).to.equal(11)
  })

  it('passes what holds nothing but markers of transactions', async () => {
    const brokers = new Brokers(1)
    const { read } = await given(brokers)
    read(0, 4)
    ;(await brokers.next(1)).answer({ ...records(0), skipped: 4 })
    expect((await brokers.next(1)).wanted[0]?.offset).to.equal(5)
  })
})
