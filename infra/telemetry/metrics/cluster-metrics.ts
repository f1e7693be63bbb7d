import { pieces, takeover } from './instruments.ts'
import { StorageMetrics } from './storage-metrics.ts'

/** Why this process took a shard: its owner's lease ended, its owner gave it up, or it was nobody's. */
export type TakeoverReason = 'expired' | 'released' | 'joined'

/** Shards, mailbox, Kafka, dependencies: what makes many processes one service. */
export class ClusterMetrics extends StorageMetrics {
  private readonly owned = this.gauge('soma_shards_owned', 'Shards that this process owns.', ['kind'])
  private readonly epochs = this.gauge('soma_shard_epoch_highest', 'Highest epoch that this process has taken.', [
    'kind',
  ])
  private readonly highestEpochs = new Map<string, number>()
  private readonly takeovers = this.counter(
    'soma_shard_takeovers_total',
    'Shards taken: expired (the lease of a node that died), released (handed over) or joined (nobody had it).',
    ['kind', 'reason'],
  )
  private readonly takeoverSeconds = this.histogram(
    'soma_shard_takeover_seconds',
    'From the last sign of the old owner until the shard is read again; of a shard in good hands, from its release.',
    ['kind', 'reason'],
    takeover,
  )
  private readonly lag = this.gauge('soma_mailbox_lag', 'Envelopes accepted and not settled, of the shards owned.', [
    'topic',
  ])
  private unsettledAges: (() => ReadonlyMap<string, number>) | undefined
  /** Never read: the registry has it, and asks. */
  protected readonly unsettled = this.askedGauge(
    'soma_mailbox_unsettled_seconds',
    'How long the oldest envelope that was delivered here has not been settled; none without one.',
    'topic',
    () => this.unsettledAges?.(),
  )
  private readonly producedTotal = this.counter('soma_kafka_produced_total', 'Messages given to Kafka: ok or error.', [
    'result',
  ])
  private readonly produceSeconds = this.histogram(
    'soma_kafka_produce_seconds',
    'Time until all replicas have them.',
    [],
  )
  private readonly produceBatch = this.histogram('soma_kafka_produce_batch_size', 'Messages in a request.', [], pieces)
  private readonly restarts = this.counter(
    'soma_kafka_consumer_restarts_total',
    'Consumers that stopped in silence and were started again.',
    [],
  )
  private readonly watchedSessions = this.gauge(
    'soma_gateway_watched_sessions',
    'Sessions of which this gateway wants live text.',
    [],
  )
  private readonly inboxFrames = this.counter(
    'soma_inbox_frames_total',
    'Frames between gateways and nodes: in or out.',
    ['direction'],
  )
  private dependencyStates: (() => Promise<ReadonlyMap<string, number>>) | undefined
  /** Never read: the registry has it, and asks. */
  protected readonly dependencies = this.askedGauge(
    'soma_dependency_up',
    'Whether a dependency answers, asked at every scrape: 1 or 0.',
    'dependency',
    () => this.dependencyStates?.(),
  )

  shardsOwned(kind: string, count: number): void {
    this.owned.set({ kind }, count)
  }
  epochTaken(kind: string, epoch: number): void {
    const highest = Math.max(epoch, this.highestEpochs.get(kind) ?? 0)
    this.highestEpochs.set(kind, highest)
    this.epochs.set({ kind }, highest)
  }
  takeover(kind: string, reason: TakeoverReason, seconds: number): void {
    this.takeovers.inc({ kind, reason })
    this.takeoverSeconds.observe({ kind, reason }, seconds)
  }
  mailboxLag(topic: string, count: number): void {
    this.lag.set({ topic }, count)
  }
  /** `ages` is asked at every scrape. */
  watchUnsettled(ages: () => ReadonlyMap<string, number>): void {
    this.unsettledAges = ages
  }
  produced(count: number, seconds: number, result: 'ok' | 'error'): void {
    this.producedTotal.inc({ result }, count)
    this.produceSeconds.observe(seconds)
    this.produceBatch.observe(count)
  }
  consumerRestarted(): void {
    this.restarts.inc()
  }
  watched(sessions: number): void {
    this.watchedSessions.set(sessions)
  }
  frames(direction: 'in' | 'out', count: number): void {
    if (count > 0) this.inboxFrames.inc({ direction }, count)
  }
  /** `states` is asked at every scrape; it must answer in a scrape's time. */
  watchDependencies(states: () => Promise<ReadonlyMap<string, number>>): void {
    this.dependencyStates = states
  }
}
