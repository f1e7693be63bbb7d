import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import { type Address, shardOf } from '../../actors/kernel/address.ts'
import { systemIds } from '../../infra/clock.ts'
import type { ShardLease } from '../../persistence/epochs.ts'
import { openPersistence, type Persistence } from '../../persistence/open.ts'
import { anAppend, anEnvelope, anEvent, freshSession } from '../support/given-append.ts'
import { common } from '../support/persistence-under-test.ts'
import { describeWith, freshDatabase } from '../support/test-services.ts'

const TAKEOVERS = 150
const kind = 'session'

/** Addresses of one shard. */
function neighbours(count: number): Address[] {
  const first = freshSession()
  const all = [first]
  while (all.length < count) {
    const other = freshSession()
    if (shardOf(other) === shardOf(first)) all.push(other)
  }
  return all
}

const chance = (of: number) => systemIds.random() < of
/** Random timing, without a clock: some turns of the event loop, in which the other node goes on. */
async function breathe(most: number): Promise<void> {
  for (let turns = Math.floor(systemIds.random() * most); turns > 0; turns--) await setImmediate()
}

interface Written {
  readonly node: string
  readonly epoch: number
  readonly seq: number
}

/** What became of it all, as the nodes heard it. */
class Ledger {
  readonly owners = new Map<number, string>()
  readonly appended = new Map<string, Written>()
  readonly refused = new Set<string>()
  /** What refused appends were answered. */
  readonly answers = new Set<string>()
}

/** A process with its own connections that wants this shard, whoever has it, and writes while it may. */
async function contender(node: string, { epochs, journal }: Persistence, addresses: Address[], ledger: Ledger) {
  const shard = shardOf(addresses[0] as Address)
  const isOver = () => ledger.owners.size >= TAKEOVERS

  async function write(address: Address, epoch: number, expectedSeq: number): Promise<number | undefined> {
    const envelopeId = systemIds.uuid()
    const events = Array.from({ length: chance(0.3) ? 2 : 1 }, () => anEvent({ node, epoch }))
    const outbox = [anEnvelope({ id: `${envelopeId}/out`, from: address })]
    const result = await journal.append(anAppend({ address, epoch, envelopeId, expectedSeq, events, outbox }))
    if (result.status === 'appended') {
      ledger.appended.set(envelopeId, { node, epoch, seq: result.seq })
      return result.seq
    }
    ledger.answers.add(result.status)
    ledger.refused.add(envelopeId)
    return undefined
  }

  async function own({ epoch }: ShardLease): Promise<void> {
    ledger.owners.set(epoch, node)
    await Promise.all(
      addresses.map(async (address) => {
        let seq: number | undefined = await journal.head(address)
        for (let last = seq; !isOver(); last = seq) {
          seq = await write(address, epoch, last)
          if (seq === undefined) {
            // Again, where it would fit if it were still the owner: nothing of it is written either.
            await write(address, epoch, await journal.head(address))
            return
          }
          if (chance(0.2)) await breathe(30)
        }
      }),
    )
  }

  while (!isOver()) {
    const row = (await epochs.list(kind)).find((it) => it.shard === shard)
    const seen = row ?? { kind, shard, owner: '', epoch: 0 }
    await breathe(60)
    const [won] = await epochs.takeOver(node, [seen])
    if (won !== undefined) await own(won)
  }
}

describeWith('postgres', 'two nodes that race for one shard, on Postgres', (dsn) => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  const nodes: Persistence[] = []
  before(async function () {
    this.timeout(60_000)
    database = await freshDatabase(dsn)
    for (let n = 0; n < 2; n++) nodes.push(await openPersistence({ ...common, postgresDsn: database.dsn }))
  })
  after(async () => {
    for (const node of nodes) await node.close()
    await database.drop()
  })

  it(`are one writer at a time through ${TAKEOVERS} takeovers: one contiguous journal, and nothing of who was fenced (I2, J1, J2)`, async function () {
    this.timeout(120_000)
    const addresses = neighbours(3)
    const ledger = new Ledger()
    await Promise.all(nodes.map((stores, n) => contender(`node-${n}`, stores, addresses, ledger)))

    // Every epoch was won by one, and both had their share.
    expect([...ledger.owners.keys()].sort((x, y) => x - y)).to.deep.equal(
      Array.from({ length: ledger.owners.size }, (_, i) => i + 1),
    )
    expect(new Set(ledger.owners.values())).to.deep.equal(new Set(['node-0', 'node-1']))
    expect(ledger.refused.size, 'appends of who had been superseded').to.be.greaterThan(TAKEOVERS / 4)
    // Not `conflict`: whoever took over saw all that was written before.
    expect([...ledger.answers]).to.deep.equal(['fenced'])

    const { journal, sql } = nodes[0] as Persistence
    const found = new Map<string, Written>()
    for (const address of addresses) {
      let [seq, epoch] = [0, 0]
      for (;;) {
        const page = await journal.read(address, seq, 1_000)
        for (const event of page) {
          const by = event.data as { node: string; epoch: number }
          expect(event.seq).to.equal(seq + 1)
          expect(by.epoch, 'an epoch that came back').to.be.at.least(epoch)
          expect(by.node).to.equal(ledger.owners.get(by.epoch))
          found.set(event.envelopeId, { ...by, seq: event.seq })
          seq = event.seq
          epoch = by.epoch
        }
        if (page.length < 1_000) break
      }
      expect(await journal.head(address)).to.equal(seq)
    }
    expect(found, 'what is there is what was acknowledged').to.deep.equal(ledger.appended)

    const sent = await journal.pendingOutbox(kind, [shardOf(addresses[0] as Address)], 100_000)
    expect(new Set(sent.map(({ id }) => id))).to.deep.equal(new Set([...found.keys()].map((id) => `${id}/out`)))
    const applied = await sql.query<{ envelope_id: string }>('select envelope_id from inbox')
    expect(new Set(applied.map((row) => row.envelope_id))).to.deep.equal(new Set(ledger.appended.keys()))
  })
})
