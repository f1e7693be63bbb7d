import { expect } from 'chai'
import fc from 'fast-check'
import type { ActorContext } from '../../../actors/kernel/actor.ts'
import { type Address, shardOf } from '../../../actors/kernel/address.ts'
import type { Behaviour } from '../../../actors/kernel/behaviour.ts'
import type { Failure } from '../../../actors/kernel/failure.ts'
import { journaledActor } from '../../../actors/kernel/journaled-actor.ts'
import type { JournaledKind } from '../../../actors/kernel/journaled-kind.ts'
import { silentLogger } from '../../../actors/kernel/telemetry.ts'
import { InMemorySnapshots } from '../../../persistence/in-memory-snapshots.ts'
import type { Journal } from '../../../persistence/journal.ts'
import type { Delivery } from '../../../transports/mailbox.ts'
import { anAppend, anEnvelope, freshSession, ownSessions } from '../../support/given-append.ts'
import { onEveryStore } from '../../support/persistence-under-test.ts'
import { countedIds } from '../../support/probe.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

/** Adds up what it is told. */
interface Sum {
  readonly total: number
}
interface Added {
  readonly by: number
}

const behaviour: Behaviour<Sum, number, Added, never> = {
  initial: { total: 0 },
  decide: (_, by) => ({ events: [{ by }] }),
  evolve: ({ total }, { by }) => ({ total: total + by }),
  pendingEffects: () => [],
}

const clock = new VirtualClock()

/** One address, whose activations come and go. */
class Adder {
  hydrated = 0
  readonly address: Address = freshSession()
  readonly snapshots = new InMemorySnapshots(silentLogger)
  private readonly journal: Journal
  private readonly epoch: number
  private readonly every: number
  readonly settled: string[] = []

  constructor(journal: Journal, epoch: number, every = 2) {
    this.journal = journal
    this.epoch = epoch
    this.every = every
  }

  async activate() {
    const kind: JournaledKind<Sum, number, Added, never> = {
      type: 'adder',
      capacity: 10,
      behaviour,
      codec: {
        encode: (data) => ({ kind: 'Added', version: 1, data }),
        decode: ({ data }) => data as Added,
      },
      parse: (body) => body as number,
      perform() {},
      hydrate: async () => {
        this.hydrated++
      },
      snapshots: { version: 1, every: this.every },
    }
    const recipe = journaledActor(kind, {
      journal: this.journal,
      snapshots: this.snapshots,
      deadLetters: {
        park: () => expect.fail('nothing is parked'),
        list: async () => [],
        get: async () => undefined,
        remove: async () => false,
      },
      tell: () => 'accepted',
      epochOf: () => this.epoch,
      relay: { offer() {} },
    })(this.address)
    const context = {
      signal: new AbortController().signal,
      log: silentLogger,
      clock,
      ids: countedIds(),
    } as unknown as ActorContext<Delivery>
    const scope = await recipe.start(context)
    return {
      total: () => scope.state().total,
      seq: () => scope.seq(),
      add: async (by: number, id?: string) => {
        const envelope = anEnvelope({ to: this.address, body: by, ...(id && { id }) })
        const position = { shard: shardOf(this.address), offset: 0 }
        await recipe.receive(scope, { envelope, position, settle: () => this.settled.push(envelope.id) }, context)
      },
      stop: () => recipe.stop?.(scope, context),
    }
  }
}

const failureOf = (promise: Promise<unknown>): Promise<Failure> =>
  promise.then(
    () => expect.fail('it succeeded'),
    (error) => error as Failure,
  )

describe('a journaled actor', () => {
  onEveryStore((stores) => {
    const given = async (every?: number) => new Adder(stores().journal, await ownSessions(stores().epochs), every)

    it('heals from a snapshot that is newer than the journal (a restored backup): its message is kept and applied (A3)', async () => {
      const adder = await given(100)
      const before = await adder.activate()
      for (const by of [1, 2, 3]) await before.add(by)
      await adder.snapshots.save(adder.address, { seq: 9, version: 1, state: { total: 999 } })
      const misled = await adder.activate()
      expect(misled.total()).to.equal(999)
      const failure = await failureOf(misled.add(10, 'm'))
      expect([failure.code, failure.disposition]).to.deep.equal(['JOURNAL_CONFLICT', 'retry'])
      expect([adder.settled.includes('m'), await stores().journal.head(adder.address)]).to.deep.equal([false, 3])
      const healed = await adder.activate()
      expect(healed.total()).to.equal(6)
      await healed.add(10, 'm')
      expect([healed.total(), healed.seq(), adder.settled.includes('m')]).to.deep.equal([16, 4, true])
    })

    it('writes nothing under a superseded epoch, and keeps its snapshot: it is not the snapshot that is wrong (I2)', async () => {
      const adder = await given()
      const old = await adder.activate()
      for (const by of [1, 2]) await old.add(by)
      await ownSessions(stores().epochs, 'another node')
      expect((await failureOf(old.add(4))).code).to.equal('EPOCH_FENCED')
      expect(await stores().journal.head(adder.address)).to.equal(2)
      expect(await adder.snapshots.load(adder.address)).to.deep.include({ seq: 2, state: { total: 3 } })
    })

    it('is hydrated only when its address has no events: before its first command, and never after', async () => {
      const adder = await given(100)
      const first = await adder.activate()
      expect(adder.hydrated).to.equal(1)
      await first.add(1)
      await adder.activate()
      expect(adder.hydrated, 'it has an event').to.equal(1)
      await adder.snapshots.save(adder.address, { seq: 1, version: 1, state: { total: 1 } })
      await adder.activate()
      expect(adder.hydrated, 'it has a snapshot, and nothing after it').to.equal(1)
    })

    it('is hydrated although its address has been sent something that changed nothing', async () => {
      const { journal, epochs } = stores()
      const epoch = await ownSessions(epochs)
      const adder = new Adder(journal, epoch)
      await journal.append(anAppend({ address: adder.address, epoch, events: [] }))
      await adder.activate()
      expect(adder.hydrated).to.equal(1)
    })
  })

  it('recovers the same state with snapshots of whatever age, or none, or of another version (A4, I6)', async () => {
    const { openInMemory } = await import('../../../persistence/open-in-memory.ts')
    const { journal, epochs } = openInMemory(countedIds())
    const epoch = await ownSessions(epochs)
    const life = fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 6 })
    const fate = fc.constantFrom('stopped', 'killed', 'flushed', 'upgraded')
    await fc.assert(
      fc.asyncProperty(fc.nat(4), fc.array(fc.tuple(life, fate), { maxLength: 6 }), async (every, lives) => {
        const adder = new Adder(journal, epoch, every + 1)
        let total = 0
        for (const [told, end] of lives) {
          const actor = await adder.activate()
          expect(actor.total()).to.equal(total)
          for (const by of told) {
            await actor.add(by)
            total += by
          }
          if (end === 'stopped') await actor.stop()
          else if (end === 'flushed') await adder.snapshots.remove(adder.address)
          else if (end === 'upgraded') {
            await adder.snapshots.save(adder.address, { seq: 1, version: 2, state: { sum: 'of another shape' } })
          }
        }
        expect((await adder.activate()).total()).to.equal(total)
      }),
      { numRuns: 100 },
    )
  })
})
