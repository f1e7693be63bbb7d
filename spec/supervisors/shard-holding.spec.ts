import { expect } from 'chai'
import { shardKey } from '../../actors/kernel/address.ts'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import type { ShardLease } from '../../persistence/epochs.ts'
import { ShardHolding } from '../../supervisors/shard-holding.ts'
import { Gate, settled, until } from '../support/probe.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const steps = ['quarantine', 'outbox', 'outbound', 'mailbox', 'unfinished'] as const
type Step = (typeof steps)[number]

const leaseOf = (shard: number, epoch = 1): ShardLease => ({ kind: 'session', shard, owner: 'n', epoch })

/** A node whose steps wait and fail as the spec says. */
function given() {
  const clock = new VirtualClock()
  const leases = new Map<string, ShardLease>()
  /** What was done, in order; what failed, with a question mark. */
  const log: string[] = []
  const failures: Partial<Record<Step, number>> = {}
  const gates: Partial<Record<Step | 'stop', Gate[]>> = {}
  /** Subscriptions that are open, by shard. */
  const open = new Map<number, number>()
  const counts = { mostOpen: 0, closed: 0 }

  const step = async (name: Step): Promise<void> => {
    await gates[name]?.shift()?.opened
    const left = failures[name] ?? 0
    if (left > 0) {
      failures[name] = left - 1
      log.push(`${name}?`)
      throw new Error(`no ${name}`)
    }
    log.push(name)
  }
  const holding = new ShardHolding(leases, {
    region: {
      takeOver: () => step('quarantine'),
      handOver: async () => {
        log.push('actors stop')
        await gates.stop?.shift()?.opened
      },
      deliver: () => 'accepted',
      activate: (address) => void log.push(`wake ${address}`),
    },
    relay: { recover: () => step('outbox').then(() => 0) },
    taken: () => step('outbound'),
    gone: (_, shards) => void log.push(`gone ${shards}`),
    mailbox: {
      receive: async (_, [shard = -1]) => {
        await step('mailbox')
        open.set(shard, (open.get(shard) ?? 0) + 1)
        counts.mostOpen = Math.max(counts.mostOpen, ...open.values())
        let isOpen = true
        return {
          close: async () => {
            log.push('close')
            if (isOpen) open.set(shard, (open.get(shard) ?? 0) - 1)
            isOpen = false
          },
        }
      },
    },
    journal: { unfinished: () => step('unfinished').then(() => ['session:a']) },
    clock,
    log: silentLogger,
    handOverMs: 1_000,
  })
  const take = (...those: ShardLease[]) => {
    const taken = { done: false }
    void holding.take('session', those).then(() => {
      taken.done = true
    })
    return taken
  }
  const opened = (shard: number) => open.get(shard) ?? 0
  const pass = async (ms: number) => {
    clock.advance(ms)
    await settled(5)
  }
  return { holding, leases, log, failures, gates, counts, take, opened, pass }
}

describe('shard holding', () => {
  it('begins a shard in the order that loses nothing', async () => {
    const { log, take } = given()
    const taken = take(leaseOf(1))
    await until(() => taken.done)
    expect(log).to.deep.equal([...steps, 'wake session:a'])
  })

  for (const failing of steps) {
    it(`tries again when the step "${failing}" fails, and begins nothing of what comes after it before`, async () => {
      const { log, failures, take, pass } = given()
      failures[failing] = 2
      const taken = take(leaseOf(1))
      await settled()
      const before = steps.slice(0, steps.indexOf(failing))
      expect(log).to.deep.equal([...before, `${failing}?`])
      await pass(100)
      expect(log).to.deep.equal([...before, `${failing}?`, `${failing}?`])
      await pass(200)
      await until(() => taken.done)
      expect(log.slice(before.length + 2)).to.deep.equal([...steps.slice(before.length), 'wake session:a'])
    })
  }

  it('delivers nothing before the quarantine is known, however long that takes', async () => {
    const { log, gates, take, pass, opened } = given()
    const gate = new Gate()
    gates.quarantine = [gate]
    const taken = take(leaseOf(1))
    await pass(60_000)
    expect([log, opened(1)]).to.deep.equal([[], 0])
    gate.open()
    await until(() => taken.done)
    expect(opened(1)).to.equal(1)
  })

  it('leaves no subscription open when a lease is lost while it is opened', async () => {
    const { holding, log, leases, gates, take, opened } = given()
    const gate = new Gate()
    gates.mailbox = [gate]
    const taken = take(leaseOf(1), leaseOf(2))
    await until(() => log.includes('outbound'))
    await holding.give('session', [1])
    gate.open()
    await until(() => taken.done)
    expect([opened(1), opened(2)]).to.deep.equal([0, 1])
    expect([...leases.keys()]).to.deep.equal([shardKey('session', 2)])
  })

  it('leaves none open that comes while the actors of a shard that is given up still stop', async () => {
    const { holding, log, gates, take, opened } = given()
    const [receiving, stopping] = [new Gate(), new Gate()]
    gates.mailbox = [receiving]
    gates.stop = [stopping]
    const taken = take(leaseOf(1))
    await until(() => log.includes('outbound'))
    const giving = holding.give('session', [1])
    await until(() => log.includes('actors stop'))
    receiving.open()
    await until(() => taken.done)
    expect(opened(1)).to.equal(0)
    stopping.open()
    expect(await giving).to.deep.equal([leaseOf(1)])
  })

  it('leaves alone a lease that was taken anew while the one before was given up', async () => {
    const { holding, log, leases, gates, take, opened } = given()
    const first = take(leaseOf(1, 1))
    await until(() => first.done)
    const stopping = new Gate()
    gates.stop = [stopping]
    const giving = holding.give('session', [1])
    await until(() => log.includes('actors stop'))
    const second = take(leaseOf(1, 2))
    await until(() => second.done)
    stopping.open()
    expect(await giving, 'nothing to release').to.deep.equal([])
    expect([leases.get(shardKey('session', 1)), opened(1)]).to.deep.equal([leaseOf(1, 2), 1])
  })

  it('does nothing more for a shard that was lost before it was read, and tries no more when all are', async () => {
    const { holding, log, failures, take, pass } = given()
    failures.outbox = Number.POSITIVE_INFINITY
    const taken = take(leaseOf(1))
    await until(() => log.includes('outbox?'))
    await holding.give('session', [1])
    const tried = log.length
    await pass(100)
    await until(() => taken.done)
    expect(log.slice(tried)).to.deep.equal([])
  })

  it('reads a shard that came back in the middle of its first taking once, under the new lease', async () => {
    const { holding, log, leases, gates, counts, take, opened } = given()
    const gate = new Gate()
    gates.mailbox = [gate]
    const first = take(leaseOf(1, 1))
    await until(() => log.includes('outbound'))
    await holding.give('session', [1])
    const second = take(leaseOf(1, 3))
    await until(() => second.done)
    gate.open()
    await until(() => first.done)
    expect([opened(1), leases.get(shardKey('session', 1))?.epoch]).to.deep.equal([1, 3])
    await holding.give('session', [1])
    expect([opened(1), counts.mostOpen]).to.deep.equal([0, 2])
  })

  it('opens no shard twice when another one fails beside it', async () => {
    const { failures, gates, counts, take, opened, pass, log } = given()
    const slow = new Gate()
    const now = new Gate()
    now.open()
    gates.mailbox = [slow, now]
    failures.mailbox = 1
    const taken = take(leaseOf(1), leaseOf(2))
    await until(() => log.includes('mailbox?'))
    await pass(1_000)
    slow.open()
    await settled()
    await pass(1_000)
    await until(() => taken.done)
    expect([opened(1), opened(2), counts.mostOpen]).to.deep.equal([1, 1, 1])
  })

  it('ends a shard in the order that loses nothing: no more deliveries, actors stop, what settled meanwhile is stored', async () => {
    const { holding, log, leases, take } = given()
    const taken = take(leaseOf(1))
    await until(() => taken.done)
    const before = log.length
    const ended = await holding.give('session', [1])
    expect(log.slice(before)).to.deep.equal(['close', 'actors stop', 'close', 'gone 1'])
    expect([ended, leases.size]).to.deep.equal([[leaseOf(1)], 0])
  })
})
