import { expect } from 'chai'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { systemClock } from '../../infra/clock.ts'
import type { Epochs, ShardLease } from '../../persistence/epochs.ts'
import { InMemoryEpochs } from '../../persistence/in-memory-epochs.ts'
import { InMemoryCluster } from '../../persistence/in-memory-membership.ts'
import { InMemoryStore } from '../../persistence/in-memory-store.ts'
import type { Membership } from '../../persistence/membership.ts'
import { ShardHolding } from '../../supervisors/shard-holding.ts'
import { ShardOwnership } from '../../supervisors/shard-ownership.ts'
import { eventually } from '../support/eventually.ts'

/** A node without actors: it takes, reads and gives shards, and remembers in which order. */
class Node {
  readonly leases = new Map<string, ShardLease>()
  readonly steps: string[] = []
  readonly ownership: ShardOwnership
  readonly holding: ShardHolding

  readonly membership: Membership
  /** Whether it can read the mailbox. */
  reaches = true

  constructor(membership: Membership, epochs: Epochs) {
    this.membership = membership
    const step = (name: string) => async () => {
      this.steps.push(name)
    }
    this.holding = new ShardHolding(this.leases, {
      region: {
        takeOver: step('quarantine'),
        handOver: step('actors stop'),
        deliver: () => 'accepted',
        activate: () => this.steps.push('wake'),
      },
      relay: {
        recover: async () => {
          this.steps.push('outbox')
          return 0
        },
      },
      mailbox: {
        receive: async () => {
          this.steps.push('read')
          return { close: step('read no more') }
        },
      },
      journal: { unfinished: async () => ['session:unfinished'] },
      clock: systemClock,
      log: silentLogger,
      handOverMs: 1_000,
    })
    this.ownership = new ShardOwnership({
      membership,
      epochs,
      holding: this.holding,
      kinds: ['session'],
      detail: () => ({}),
      clock: systemClock,
      log: silentLogger,
      beatMs: 10,
      reaches: () => this.reaches,
      seconds: () => 0,
    })
  }

  get owned(): number {
    return this.leases.size
  }
}

describe('shard ownership', () => {
  let cluster: InMemoryCluster
  let epochs: InMemoryEpochs
  const nodes: Node[] = []

  beforeEach(() => {
    cluster = new InMemoryCluster(() => systemClock.now(), 400)
    epochs = new InMemoryEpochs(new InMemoryStore())
  })
  afterEach(async () => {
    for (const node of nodes.splice(0)) await node.ownership.stop()
  })

  async function start(name: string, weight = 100): Promise<Node> {
    const membership = cluster.join({ name, roles: ['session'], weight, url: 'http://x' })
    const node = new Node(membership, epochs)
    nodes.push(node)
    await node.ownership.start()
    return node
  }

  /** Every shard has one holder, and its epoch is the one in the table: nobody believes what is not so. */
  async function consistent(): Promise<void> {
    const rows = await epochs.list('session')
    for (const { shard, epoch, owner } of rows) {
      const holders = nodes.filter(({ leases }) => leases.get(`session/${shard}`)?.epoch === epoch)
      expect(holders.map(({ membership }) => membership.nodeId)).to.deep.equal([owner])
    }
  }

  it('takes all that is free, in the order that loses nothing', async () => {
    const a = await start('a')
    await eventually(() => a.owned === 64 && a.steps.includes('wake'))
    const firsts = ['quarantine', 'outbox', 'read', 'wake'].map((name) => a.steps.indexOf(name))
    expect(firsts).to.deep.equal([...firsts].sort((x, y) => x - y))
  })

  it('shares with a node that joins, after its actors have stopped (O1)', async () => {
    const a = await start('a')
    await eventually(() => a.owned === 64)
    const b = await start('b')
    await eventually(() => a.owned === 32 && b.owned === 32)
    await consistent()
    expect(a.steps.indexOf('actors stop')).to.be.greaterThan(a.steps.indexOf('read no more') - 1)
  })

  it('shares by weight', async () => {
    const a = await start('a', 300)
    const b = await start('b', 100)
    await eventually(() => a.owned === 48 && b.owned === 16)
    await consistent()
  })

  it('takes over from a node that is gone, with higher epochs (O2)', async () => {
    const a = await start('a')
    const b = await start('b')
    await eventually(() => a.owned === 32 && b.owned === 32)
    const before = new Map([...a.leases.values()].map(({ shard, epoch }) => [shard, epoch]))
    cluster.kill(a.membership.nodeId)
    await eventually(() => b.owned === 64)
    for (const [shard, epoch] of before) expect(b.leases.get(`session/${shard}`)?.epoch).to.equal(epoch + 1)
  })

  it('drops what another has taken meanwhile, and whatever ran of it stops (O3)', async () => {
    const a = await start('a')
    await eventually(() => a.owned === 64)
    const taken = await epochs.takeOver('stranger', [...a.leases.values()].slice(0, 5))
    await eventually(() => a.steps.includes('actors stop'))
    // The stranger is no live node, so the shards come back, under epochs of their own.
    await eventually(
      () => a.owned === 64 && taken.every((it) => (a.leases.get(`session/${it.shard}`)?.epoch ?? 0) > it.epoch),
    )
  })

  it('hands everything over when it is drained, and takes nothing more', async () => {
    const a = await start('a')
    const b = await start('b')
    await eventually(() => a.owned === 32 && b.owned === 32)
    await a.ownership.drain()
    expect(a.owned).to.equal(0)
    await eventually(() => b.owned === 64)
    await consistent()
  })

  it('gives its shards to those who can read the mailbox when it cannot, and has its share when it can again (O4)', async () => {
    const a = await start('a')
    const b = await start('b')
    await eventually(() => a.owned === 32 && b.owned === 32)
    a.reaches = false
    await eventually(() => a.owned === 0 && b.owned === 64)
    expect(a.ownership.status).to.equal('cut off')
    await consistent()
    a.reaches = true
    await eventually(() => a.owned === 32 && b.owned === 32)
    await consistent()
  })

  it('moves nothing when nobody can read the mailbox (O4)', async () => {
    const a = await start('a')
    const b = await start('b')
    await eventually(() => a.owned === 32 && b.owned === 32)
    a.reaches = false
    b.reaches = false
    await eventually(() => a.ownership.status === 'cut off' && b.ownership.status === 'cut off')
    const before = [...a.leases.values(), ...b.leases.values()]
    a.reaches = true
    b.reaches = true
    await eventually(() => a.ownership.status === 'ready' && b.ownership.status === 'ready')
    expect([...a.leases.values(), ...b.leases.values()]).to.deep.equal(before)
    await consistent()
  })

  /** Releases that come to nothing until the spec says otherwise. */
  function withoutRelease(): { mend(): void; tried(): number } {
    const release = epochs.release.bind(epochs)
    let tries = 0
    epochs.release = async () => {
      tries++
      throw new Error('the database is away')
    }
    return {
      tried: () => tries,
      mend() {
        epochs.release = release
      },
    }
  }

  it('makes up for a release that came to nothing: whom the plan names gets the shards at last (O1)', async () => {
    const a = await start('a')
    await eventually(() => a.owned === 64)
    const releases = withoutRelease()
    const b = await start('b')
    await eventually(() => a.owned === 32 && releases.tried() > 2)
    expect(b.owned, 'they are still a’s by the table').to.equal(0)
    releases.mend()
    await eventually(() => b.owned === 32)
    await consistent()
  })

  it('takes up again what it could not release, under new epochs, when the plan gives it back', async () => {
    const a = await start('a')
    await eventually(() => a.owned === 64)
    const before = [...a.leases.values()]
    const releases = withoutRelease()
    const b = await start('b')
    await eventually(() => a.owned === 32 && releases.tried() > 0)
    const given = before.filter(({ shard }) => !a.leases.has(`session/${shard}`))
    cluster.kill(b.membership.nodeId)
    await eventually(() => a.owned === 64)
    for (const { shard, epoch } of given) expect(a.leases.get(`session/${shard}`)?.epoch).to.equal(epoch + 1)
    releases.mend()
    await consistent()
  })

  it('three that start at once end with a share each and no shard twice', async () => {
    const all = await Promise.all(['a', 'b', 'c'].map((name) => start(name)))
    await eventually(
      () => all.every(({ owned }) => owned >= 21) && all.reduce((sum, { owned }) => sum + owned, 0) === 64,
    )
    await consistent()
  })
})
