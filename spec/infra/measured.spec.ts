import { expect } from 'chai'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { measuredBatches, measuredEpochs, measuredMailbox, measuredSnapshots } from '../../infra/telemetry/measured.ts'
import { Metrics } from '../../infra/telemetry/metrics.ts'
import { scrapedWithBacklog, watchDependencies } from '../../infra/telemetry/watched.ts'
import { InMemoryEpochs } from '../../persistence/in-memory-epochs.ts'
import { InMemorySnapshots } from '../../persistence/in-memory-snapshots.ts'
import { InMemoryStore } from '../../persistence/in-memory-store.ts'

import { StatementBatcher } from '../../persistence/statement-batcher.ts'
import type { Delivery, Mailbox } from '../../transports/mailbox.ts'
import { anEnvelope } from '../support/given-append.ts'

/** Every look is a quarter of a second later than the one before. */
function clockOf(): () => number {
  let now = 0
  return () => {
    now += 0.25
    return now
  }
}

describe('metrics of storage and shards', () => {
  let metrics: Metrics
  const text = () => metrics.registry.metrics()
  beforeEach(() => {
    metrics = new Metrics()
  })

  it('tell how many appends a commit carried and how long it took, failed ones apart', async () => {
    let fails = false
    const batcher = new StatementBatcher<number, number>(async (items) => {
      if (fails) throw new Error('the database is away')
      return items
    })
    batcher.observer = measuredBatches(metrics, clockOf())
    await Promise.all([1, 2, 3].map((item) => batcher.add(item)))
    fails = true
    await batcher.add(4).catch(() => {})
    expect(await text()).to.include('soma_journal_batch_size_sum 4')
    expect(await text()).to.include('soma_journal_batch_size_count 2')
    expect(await text()).to.include('soma_journal_batch_seconds_sum{result="ok"} 0.25')
    expect(await text()).to.include('soma_journal_batch_seconds_count{result="error"} 1')
  })

  it('tell the shards of a process that is alone, and that its epochs rise', async () => {
    const epochs = measuredEpochs(new InMemoryEpochs(new InMemoryStore()), metrics)
    await epochs.claim('a', 'session', [0, 1, 2])
    await epochs.claim('b', 'session', [0, 1])
    expect(await text()).to.include('soma_shards_owned{kind="session"} 2')
    expect(await text()).to.include('soma_shard_epoch_highest{kind="session"} 2')
  })

  it('tell snapshots found from those missed, with their times', async () => {
    const snapshots = measuredSnapshots(new InMemorySnapshots(silentLogger), metrics, clockOf())
    await snapshots.load('session:a')
    await snapshots.save('session:a', { seq: 1, version: 1, state: {} })
    await snapshots.load('session:a')
    expect(await text()).to.include('soma_snapshot_load_seconds_sum{result="miss"} 0.25')
    expect(await text()).to.include('soma_snapshot_load_seconds_count{result="hit"} 1')
    expect(await text()).to.include('session_envelope_cache_events_total{operation="load",result="hit"} 1')
  })

  it('tell how long the oldest delivery has not been settled, offered again or not', async () => {
    let now = 100
    let offered: (delivery: Delivery) => string = () => ''
    const inner = {
      receive: async (_kind: string, _shards: unknown, receive: (delivery: Delivery) => string) => {
        offered = receive
        return { close: async () => {} }
      },
    } as unknown as Mailbox
    const settles: (() => void)[] = []
    let answer: 'accepted' | 'full' = 'full'
    const mailbox = measuredMailbox(inner, metrics, () => now)
    const subscription = await mailbox.receive('session', [0], (delivery) => {
      settles.push(() => delivery.settle())
      return answer
    })
    const envelope = anEnvelope({ to: 'session:a' })
    offered({ envelope, settle() {} })
    now = 105
    answer = 'accepted'
    offered({ envelope, settle() {} })
    now = 107
    expect(await text()).to.include('soma_mailbox_unsettled_seconds{topic="conversation.inbound"} 7')
    settles[1]?.()
    expect(await text()).not.to.include('soma_mailbox_unsettled_seconds{')
    offered({ envelope, settle() {} })
    await subscription.close()
    expect(await text()).not.to.include('soma_mailbox_unsettled_seconds{')
  })

  it('ask the mailbox for its backlog when they are looked at', async () => {
    const mailbox = { backlog: (kind: string) => (kind === 'session' ? 7 : 0) } as unknown as Mailbox
    const scraped = await scrapedWithBacklog(metrics, mailbox)()
    expect(scraped).to.include('soma_mailbox_lag{topic="conversation.inbound"} 7')
    expect(scraped).to.include('soma_mailbox_lag{topic="tool.requests"} 0')
  })

  it('tell which dependency does not answer, and survive one that hangs', async function () {
    this.timeout(10_000)
    const found = (name: string, ok: boolean) => ({ name, ok, required: true, detail: '', remedy: '', ms: 0 })
    let health: () => Promise<{ ready: boolean; dependencies: ReturnType<typeof found>[] }> = async () => ({
      ready: false,
      dependencies: [found('journal', true), found('redis', false)],
    })
    watchDependencies(metrics, () => health())
    expect(await text()).to.include('soma_dependency_up{dependency="journal"} 1')
    expect(await text()).to.include('soma_dependency_up{dependency="redis"} 0')
    health = () => new Promise(() => {})
    const late = await text()
    expect(late).not.to.include('soma_dependency_up{')
    expect(late).to.include('process_resident_memory_bytes')
  })
})
