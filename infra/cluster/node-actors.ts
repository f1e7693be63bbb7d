import type { ActorKind } from '../../actors/kernel/address.ts'
import { idOf, shardKey } from '../../actors/kernel/address.ts'
import type { Operations } from '../../actors/kernel/region.ts'
import type { MemoryOwners } from '../../actors/memory/owners.ts'
import { toAnnouncement } from '../../actors/session/conversation-events.ts'
import { sessionCodec } from '../../actors/session/events.ts'
import type { ShardLease } from '../../persistence/epochs.ts'
import { journalAround } from '../../persistence/journal-around.ts'
import type { SessionBirth } from '../../persistence/session-births.ts'
import type { ShardHolding } from '../../supervisors/shard-holding.ts'
import { NodeOutbound } from '../../transports/kafka/node-outbound.ts'
import { conversationFeed, OutboundPublisher, type PublishedFeed } from '../../transports/kafka/outbound-publisher.ts'
import type { Peer, PeerTalk } from '../../transports/link/peer-talk.ts'
import type { Mailbox } from '../../transports/mailbox.ts'
import type { ToolProgress } from '../../transports/outbound.ts'
import { endProcess } from '../one-process.ts'
import { countingTurns, type ProcessParts } from '../process-parts.ts'
import { startActors } from '../wire.ts'
import type { KafkaParts } from './kafka-parts.ts'
import { memoryFeed } from './memory-feed.ts'
import type { Peers } from './peers.ts'
import { ProgressPost } from './progress-post.ts'

export interface NodeActorsParts extends ProcessParts {
  readonly kinds: readonly ActorKind[]
  readonly leases: Map<string, ShardLease>
  readonly mailbox: Mailbox
  readonly kafka: KafkaParts
  readonly talk: PeerTalk
  readonly peers: Peers
  readonly topicPrefix: string
}

export interface NodeActors {
  readonly holding: ShardHolding
  readonly operations: Operations
  readonly memories: MemoryOwners
  /** A gateway wants to see what these sessions say. */
  watched(sessionIds: readonly string[], gateway: Peer): void
}

/** The actors of a node, and how the world hears of what they do. They own no shard until the first beat. */
export async function startNodeActors(parts: NodeActorsParts): Promise<NodeActors> {
  const { lifecycle, kafka, talk, peers, leases, persistence, topicPrefix, clock, log, metrics } = parts
  const codec = sessionCodec()
  const publishing = <Item>(name: string, feed: PublishedFeed<Item>) =>
    lifecycle.start(
      name,
      () =>
        new OutboundPublisher({
          writer: kafka.feed,
          topicPrefix,
          offsets: persistence.logOffsets,
          journal: persistence.journal,
          leaseOf: (shard) => leases.get(shardKey(feed.kind, shard)),
          feed,
          clock,
          log,
        }),
      (it) => it.close(),
    )
  const publisher = await publishing(
    'outbound publisher',
    conversationFeed((stored) => toAnnouncement(idOf(stored.address), stored, codec.decode(stored)), topicPrefix),
  )
  const changes = await publishing('memory feed', memoryFeed)
  const outbound = await lifecycle.start(
    'node outbound',
    () => new NodeOutbound({ talk, publisher, clock, log, watched: (watches) => metrics.watched(watches) }),
    (it) => it.close(),
  )
  const post = new ProgressPost({ talk, epochs: persistence.epochs, clock, log })
  talk.onFrame((frame) => {
    if (frame.k === 'report') outbound.progress(frame.p as ToolProgress)
  })
  const journal = journalAround(persistence.journal, publisher.watching(persistence.journal))
  const { holding, operations, memories } = await startActors(
    {
      ...parts,
      config: parts.config.actors,
      persistence: {
        ...persistence,
        journal: journalAround(journal, changes.watching(journal)),
      },
      memoryChanged: (stored) => changes.publish(stored),
      outbound: countingTurns(outbound, metrics),
      tellProgress: (progress) => void post.send(progress),
      shardHooks: {
        async taken(kind, taken) {
          if (kind === 'memory') await changes.takeOver(taken)
          if (kind !== 'session') return
          await publisher.takeOver(taken)
          const shards = taken.map(({ shard }) => shard)
          for (const gateway of peers.gateways()) talk.tell(gateway, { k: 'moved', shards })
        },
        gone(kind, shards) {
          if (kind === 'memory') changes.lost(shards)
          if (kind !== 'session') return
          outbound.lost(shards)
          publisher.lost(shards)
        },
      },
      birthOf: (sessionId) => birthOf(sessionId, parts),
      escalated: endProcess,
    },
    lifecycle,
  )
  return {
    holding,
    operations,
    memories,
    watched(sessionIds, gateway) {
      const fresh = outbound.watch(sessionIds, gateway)
      if (fresh.length > 0) talk.tell(gateway, { k: 'watching', sessions: fresh })
    },
  }
}

/** From Redis, where its gateway put it a moment ago; else from its record (a cache that was flushed changes nothing, I6). */
async function birthOf(sessionId: string, { births, persistence }: ProcessParts): Promise<SessionBirth | undefined> {
  return (await births?.load(sessionId)) ?? persistence.records.get(sessionId)
}
