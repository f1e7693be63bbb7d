import { createServer } from 'node:net'
import { hostname } from 'node:os'
import { type ActorKind, shardKey } from '../../actors/kernel/address.ts'
import type { Operations } from '../../actors/kernel/region.ts'
import type { ShardLease } from '../../persistence/epochs.ts'
import type { SessionRecords } from '../../persistence/journal.ts'
import { SLOTS } from '../../persistence/membership.ts'
import { joinCluster } from '../../persistence/pg-membership.ts'
import type { SessionBirths } from '../../persistence/session-births.ts'
import { runnableDrills } from '../../supervisors/drills/drills.ts'
import { ShardOwnership } from '../../supervisors/shard-ownership.ts'
import { publishedDeadLetters } from '../../transports/kafka/dead-letter-feed.ts'
import { GatewayOutbound } from '../../transports/kafka/gateway-outbound.ts'
import { KafkaMailbox } from '../../transports/kafka/kafka-mailbox.ts'
import { strangers } from '../../transports/kafka/strangers.ts'
import { delegation } from '../../transports/kafka/topics.ts'
import { recordOf } from '../../transports/kafka/undecodable.ts'
import type { ClusterConfig, Config } from '../config/config.ts'
import { type HealthDocument, healthDocument } from '../dependencies.ts'
import { DrillProcesses } from '../drill-runs.ts'
import { startMcpAlone } from '../mcp/mcp-alone.ts'
import { openMemory } from '../memory/open-memory.ts'
import { openGateway } from '../open-gateway.ts'
import { startOperationsServer } from '../operations-server.ts'
import { version } from '../package-root.ts'
import { answeringModel, type Foundation, openProcessParts } from '../process-parts.ts'
import { replayDeadLetter } from '../replay.ts'
import { measuredMailbox, monotonicSeconds } from '../telemetry/measured.ts'
import { sampleOf } from '../telemetry/slo-sample.ts'
import { traced, tracedMailbox } from '../telemetry/traced.ts'
import { actorKindsHere } from '../wire.ts'
import { clusterOperations, type NodeDetail } from './cluster-operations.ts'
import { type KafkaParts, openKafka } from './kafka-parts.ts'
import { ClusterMemoryOwners } from './memory-owners.ts'
import { type NodeActors, startNodeActors } from './node-actors.ts'
import { nodeAnswers } from './node-answers.ts'
import { openLinks, reachableAs } from './open-links.ts'
import { Peers } from './peers.ts'
import { QuarantineWatch } from './quarantine-watch.ts'
import { samplesOf } from './samples.ts'

/** Beats in a lease: a few may come late before anybody takes over. */
const BEATS_PER_LEASE = 10

/**
 * The cluster profile: one process of many. The same actors as in one process; the mailbox is Kafka, the journal is shared,
 * and what it owns is decided by heartbeat and epoch (supervisors/shard-ownership.ts). Its roles say what it does.
 */
export async function startCluster(foundation: Foundation, cluster: ClusterConfig) {
  const parts = await openProcessParts(foundation)
  const { config, log, lifecycle, clock, ids, metrics, tracer, persistence, health } = parts
  const port = await portOf(config)
  const name = cluster.name ?? `${hostname()}:${port}`
  const kafka = await openKafka(cluster.kafka, { clientId: `soma-${name}`, clock, log, lifecycle, metrics })
  const membership = await lifecycle.start(
    'membership',
    () =>
      joinCluster({
        dsn: config.persistence.postgresDsn as string,
        name,
        roles: cluster.roles,
        weight: cluster.weight,
        url: urlOf(reachableAs(config.gateway.host), port),
        leaseMs: cluster.leaseMs,
        slots: SLOTS,
        clock,
        ids,
        log,
      }),
    // Ownership leaves in its own time; this is for a start that fails before there is any.
    (it) => it.leave(),
  )
  const self = () => ({ id: membership.nodeId })
  const peers = new Peers()
  const { topicPrefix } = cluster.kafka
  /** Asked for a beat by others while its own first one is still under way. */
  let owning: ShardOwnership | undefined
  const { talk, address } = await openLinks({
    config,
    lifecycle,
    peers,
    self,
    metrics,
    clock,
    ids,
    log,
    beat: async () => owning?.beatNow(),
  })

  const leases = new Map<string, ShardLease>()
  const kinds = actorKindsHere.filter((kind) => cluster.roles.includes(kind))
  const deadLetters = publishedDeadLetters(persistence.deadLetters, { writer: kafka.durable, topicPrefix })
  const gatewayOutbound = cluster.roles.includes('gateway')
    ? await lifecycle.start(
        'gateway outbound',
        () => new GatewayOutbound({ talk, self, writer: kafka.durable, topicPrefix, clock, log }),
        (it) => it.close(),
      )
    : undefined
  let actors: NodeActors | undefined
  let closed = false
  const log0 = await lifecycle.start(
    'mailbox',
    (): KafkaMailbox =>
      new KafkaMailbox({
        writer: kafka.durable,
        reader: kafka.reader,
        offsets: persistence.logOffsets,
        topicPrefix,
        feeds: [delegation],
        leaseOf: (kind, shard) => leases.get(shardKey(kind, shard)),
        strangers: strangers({
          ...{ records: persistence.records, attachments: persistence.attachments },
          tenant: config.tenantId,
          urlRefusal: parts.content.urlRefusal,
          deadLetters,
          send: (envelope) => mailbox.send(envelope),
          watched: (sessions, gateway) => actors?.watched(sessions, gateway),
          clock,
          log,
          isClosed: () => closed,
        }),
        ...(gatewayOutbound && { watcherHeaders: gatewayOutbound.watcherHeaders }),
        clock,
        log,
      }),
    (it) => {
      closed = true
      return it.close()
    },
  )
  const mailbox = traced(measuredMailbox(log0, metrics), tracedMailbox, tracer)
  const shared = {
    ...parts,
    persistence: { ...persistence, deadLetters },
    mailbox,
    kafka,
    talk,
    peers,
    leases,
    topicPrefix,
  }
  if (kinds.length > 0) actors = await startNodeActors({ ...shared, kinds })
  else await startMcpAlone(parts)
  const local = actors?.memories
  const { epochs } = persistence
  openMemory(parts, { mailbox, owners: new ClusterMemoryOwners({ self, local, epochs, peers, talk, clock }) })

  const detail = (): NodeDetail & Record<string, unknown> => ({
    pid: process.pid,
    version,
    link: address,
    shards: owned(leases, kinds),
    lag: Object.fromEntries(log0.lag()),
  })
  const ownership: ShardOwnership = await lifecycle.start(
    'shard ownership',
    async () => {
      const it = new ShardOwnership({
        membership,
        epochs: persistence.epochs,
        holding: actors?.holding,
        kinds,
        detail,
        clock,
        log,
        beatMs: cluster.leaseMs / BEATS_PER_LEASE,
        // As long as a frozen node is waited for: whoever is cut off from one of the two is no better.
        reaches: () => kafka.reader.silentMs() < cluster.leaseMs,
        seen: (nodes) => peers.seen(nodes),
        counted: (kind, count) => {
          metrics.shardsOwned(kind, count)
          for (const [topic, lag] of log0.lag()) metrics.mailboxLag(topic, lag)
        },
        tookOver: (kind, reason, shards, seconds) => {
          for (let n = 0; n < shards; n++) metrics.takeover(kind, reason, seconds)
        },
        seconds: monotonicSeconds,
      })
      owning = it
      await it.start()
      return it
    },
    (it) => it.stop(),
    config.actors.drainMs * 2 + 5_000,
  )
  const sample = () => sampleOf(metrics.registry, membership.nodeId)
  talk.answers(
    nodeAnswers({
      operations: actors?.operations,
      memories: actors?.memories,
      ownership: () => ownership,
      sample,
      log,
    }),
  )

  tellHealth(kafka, topicPrefix, healthDocument(foundation.found, { process: name, version, now: clock.now() }))
  const metricsText = () => metrics.registry.metrics()
  if (gatewayOutbound === undefined) {
    const { url } = await lifecycle.start(
      'operations',
      () => startOperationsServer({ host: config.gateway.host, port, version, metricsText, health }),
      (it) => it.close(),
    )
    return { url, model: answeringModel(parts) }
  }
  const quarantined = await lifecycle.start(
    'quarantine watch',
    () => new QuarantineWatch(persistence.quarantine, { clock, log }).start(),
    (it) => it.close(),
  )
  const operations: Operations = clusterOperations({
    peers,
    epochs: persistence.epochs,
    talk,
    isQuarantined: (address) => quarantined.has(address),
    replayDeadLetter: (id, edited) =>
      replayDeadLetter(id, edited, {
        deadLetters: persistence.deadLetters,
        clock,
        mailbox: {
          async send(envelope) {
            const record = recordOf(envelope, topicPrefix)
            if (record === undefined) await mailbox.send(envelope)
            else await kafka.durable.write(record)
          },
        },
      }),
  })
  const withPort = { ...parts, config: { ...config, gateway: { ...config.gateway, port } } }
  const url = await openGateway(withPort, {
    records: toldOfBirths(persistence.records, parts.births),
    mailbox,
    outbound: gatewayOutbound,
    operations,
    drillRuns: new DrillProcesses({
      offered: runnableDrills,
      gateways: () => gatewaysOf(peers, self().id),
      clock,
      ids,
      log,
    }),
    samples: () => samplesOf({ peers, talk, self, sample }),
    metricsText,
    health,
  })
  return { url, model: answeringModel(parts) }
}

/** This one first, as it surely answers. */
function gatewaysOf(peers: Peers, self: string): string[] {
  const gateways = peers.gateways()
  return [...gateways.filter(({ id }) => id === self), ...gateways.filter(({ id }) => id !== self)].map(
    ({ url }) => url,
  )
}

function owned(leases: ReadonlyMap<string, ShardLease>, kinds: readonly ActorKind[]): NodeDetail['shards'] {
  const all = [...leases.values()]
  return Object.fromEntries(kinds.map((kind) => [kind, all.filter((lease) => lease.kind === kind).length]))
}

/** A session that is born here is told to its owner by Redis, besides its record. */
function toldOfBirths(records: SessionRecords, births: SessionBirths | undefined): SessionRecords {
  if (births === undefined) return records
  return {
    async claim(record) {
      const claimed = await records.claim(record)
      // Not awaited: it is a cache, and the client waits.
      if (claimed.createdAt === record.createdAt) void births.save(record.sessionId, claimed)
      return claimed
    },
    get: (id) => records.get(id),
    list: (query) => records.list(query),
  }
}

/** Best effort: who looks there wants to know how starts went, and a start does not wait for it. */
function tellHealth({ feed }: KafkaParts, topicPrefix: string, document: HealthDocument): void {
  const value = Buffer.from(JSON.stringify(document))
  feed.write({ topic: `${topicPrefix}soma.health`, partition: 0, key: document.process, value }).catch(() => {})
}

/** Others are told the port before anything listens on it. */
async function portOf({ gateway }: Config): Promise<number> {
  if (gateway.port !== 0) return gateway.port
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, gateway.host, () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
