import { expect } from 'chai'
import { Failure } from '../../../actors/kernel/failure.ts'
import { silentLogger } from '../../../actors/kernel/telemetry.ts'
import { type LinkAddress, Links } from '../../../transports/link/links.ts'
import { type Frame, PeerTalk } from '../../../transports/link/peer-talk.ts'
import { eventually } from '../../support/eventually.ts'
import { countedIds, settled } from '../../support/probe.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const clock = new VirtualClock()
const ids = countedIds()

/** A process, with real sockets to the others. */
class Process {
  readonly id: string
  readonly links: Links
  readonly talk: PeerTalk
  readonly heard: { frame: Frame; from: string }[] = []
  readonly counts = { sent: 0, received: 0, dropped: 0 }

  constructor(id: string, addresses: Map<string, LinkAddress>) {
    this.id = id
    this.links = new Links({
      self: () => id,
      host: '127.0.0.1',
      key: id,
      addressOf: (peer) => addresses.get(peer),
      lookAgain: async () => {},
      take: (letter) => this.talk.hear(letter),
      clock,
      log: silentLogger,
    })
    this.talk = new PeerTalk({
      self: () => ({ id }),
      post: (peer, letter) => this.links.post(peer, letter),
      clock,
      ids,
      log: silentLogger,
      counted: (direction, frames) => {
        this.counts[direction] += frames
      },
    })
    this.talk.onFrame((frame, from) => this.heard.push({ frame, from }))
  }

  /** What the events told here bear. */
  get events(): unknown[] {
    return this.heard.flatMap(({ frame }) => (frame.k === 'event' ? [frame.a] : []))
  }
}

describe('talk between processes', () => {
  const addresses = new Map<string, LinkAddress>()
  const opened: Process[] = []

  afterEach(async () => {
    for (const { talk, links } of opened.splice(0)) {
      await links.close()
      await talk.close()
    }
    addresses.clear()
  })

  async function given(id: string): Promise<Process> {
    const made = new Process(id, addresses)
    opened.push(made)
    addresses.set(id, { host: '127.0.0.1', port: await made.links.listen(), key: id })
    return made
  }

  /** What the promise was rejected with. */
  const failureOf = (promise: Promise<unknown>): Promise<Failure> =>
    promise.then(
      (value) => expect.fail(`it answered ${JSON.stringify(value)}`),
      (error) => error as Failure,
    )

  it('brings a question its answer, and each its own', async () => {
    const [a, b] = [await given('a'), await given('b')]
    b.talk.answers(async ({ op, args }) => ({ [op]: args }))
    const asked = [1, 2, 3].map((n) => a.talk.ask({ id: 'b' }, { op: 'double', args: n }, 5_000))
    expect(await Promise.all(asked)).to.deep.equal([{ double: 1 }, { double: 2 }, { double: 3 }])
    expect(a.heard, 'answers are told to nobody else').to.deep.equal([])
  })

  it('brings a question the failure that the peer answers: its code and its detail', async () => {
    const [a, b] = [await given('a'), await given('b')]
    b.talk.answers(async ({ op }) => {
      throw op === 'known' ? new Failure('SESSION_NOT_FOUND', 'no such session') : new TypeError('a defect')
    })
    const known = await failureOf(a.talk.ask({ id: 'b' }, { op: 'known' }, 5_000))
    expect([known.code, known.detail]).to.deep.equal(['SESSION_NOT_FOUND', 'no such session'])
    const other = await failureOf(a.talk.ask({ id: 'b' }, { op: 'other' }, 5_000))
    expect([other.code, other.detail]).to.deep.equal(['INTERNAL', 'TypeError: a defect'])
  })

  it('brings a question NODE_UNREACHABLE when no answer comes in time, and an answer after that is nobody’s', async () => {
    const [a, b] = [await given('a'), await given('b')]
    let answer = (_: unknown) => {}
    b.talk.answers(() => new Promise((resolve) => (answer = resolve)))
    const failed = failureOf(a.talk.ask({ id: 'b' }, { op: 'slow' }, 5_000))
    const gone = failureOf(a.talk.ask({ id: 'nobody' }, { op: 'slow' }, 5_000))
    await eventually(() => b.counts.received === 1)
    clock.advance(5_000)
    expect([(await failed).code, (await gone).code]).to.deep.equal(['NODE_UNREACHABLE', 'NODE_UNREACHABLE'])
    answer('late')
    await eventually(() => a.counts.received === 1)
    expect(a.heard).to.deep.equal([])
  })

  it('refuses a question when too many wait for answers, and takes one again when they have ended (I9)', async () => {
    const ends: (() => void)[] = []
    const talk = new PeerTalk({
      self: () => ({ id: 'a' }),
      post: async () => false,
      // Time by hand: ten thousand tasks are too many for the clock of the others.
      clock: {
        now: () => 0,
        after: (_, task) => {
          ends.push(task)
          return () => {}
        },
      },
      ids,
      log: silentLogger,
    })
    const ask = () => failureOf(talk.ask({ id: 'b' }, { op: 'x' }, 1_000))
    const asked = Array.from({ length: 10_000 }, ask)
    const refused = await ask()
    expect([refused.code, refused.detail]).to.deep.equal(['NODE_UNREACHABLE', 'too many questions wait for answers'])
    for (const end of ends.splice(0)) end()
    await Promise.all(asked)
    const again = ask()
    for (const end of ends.splice(0)) end()
    expect((await again).detail).to.match(/did not answer/)
  })

  it('tells what was told in order, also when it fills many letters before there is a connection', async () => {
    const [a, b] = [await given('a'), await given('b')]
    const told = Array.from({ length: 3_500 }, (_, n) => n)
    for (const n of told) a.talk.tell({ id: 'b' }, { k: 'event', a: n })
    await eventually(() => b.heard.length === told.length)
    expect(b.events).to.deep.equal(told)
    expect(new Set(b.heard.map(({ from }) => from))).to.deep.equal(new Set(['a']))
  })

  it('holds for a peer no more than its bound, and lets the oldest go (I9)', async () => {
    const [a, b] = [await given('a'), await given('b')]
    for (let n = 0; n < 25_000; n++) a.talk.tell({ id: 'b' }, { k: 'event', a: n })
    await eventually(() => b.heard.length === 5_000)
    await settled()
    expect([a.counts.dropped, b.events[0], b.events.length]).to.deep.equal([20_000, 20_000, 5_000])
  })

  it('goes on, also with the others, when a peer is away or what it is told cannot be written', async () => {
    const [a, b] = [await given('a'), await given('b')]
    a.talk.tell({ id: 'nobody' }, { k: 'event', a: 1 })
    a.talk.tell({ id: 'b' }, { k: 'event', a: 2n ** 80n })
    await eventually(() => a.counts.dropped === 2)
    a.talk.tell({ id: 'b' }, { k: 'event', a: 3 })
    await eventually(() => b.heard.length === 1)
    expect(b.events).to.deep.equal([3])
  })

  it('lets an answer go that cannot be written: its asker hears NODE_UNREACHABLE in time', async () => {
    const [a, b] = [await given('a'), await given('b')]
    b.talk.answers(async () => 2n ** 80n)
    const failed = failureOf(a.talk.ask({ id: 'b' }, { op: 'x' }, 1_000))
    await eventually(() => b.counts.dropped === 1)
    clock.advance(1_000)
    expect((await failed).code).to.equal('NODE_UNREACHABLE')
  })

  it('hears nothing in a letter that cannot be read', async () => {
    const [a, b] = [await given('a'), await given('b')]
    for (const bytes of [Buffer.from([0xc1]), Buffer.from([0xc0]), Buffer.from('text'), Buffer.alloc(0)]) {
      await a.links.post('b', bytes)
    }
    a.talk.tell({ id: 'b' }, { k: 'event', a: 'read' })
    await eventually(() => b.heard.length === 1)
    expect(b.events).to.deep.equal(['read'])
  })
})
