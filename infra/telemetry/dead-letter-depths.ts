import type { ActorKind } from '../../actors/kernel/address.ts'
import type { Sql } from '../../persistence/sql.ts'
import { mailboxTopics } from '../../transports/kafka/topics.ts'

/** The first topic of a kind is that of its requests. */
const topicOf = (kind: string) => mailboxTopics[kind as ActorKind]?.[0]?.name ?? kind

/** For gateway_dlq_depth: dead letters by the topic that carries their kind of address. */
export function deadLetterDepths(sql: Sql): () => Promise<ReadonlyMap<string, number>> {
  return async () => {
    const rows = await sql.query<{ kind: string; depth: number }>(
      "select split_part(address, ':', 1) as kind, count(*)::float8 as depth from dead_letters group by 1",
    )
    const depths = new Map<string, number>()
    // Several databases give a row each.
    for (const { kind, depth } of rows) depths.set(topicOf(kind), (depths.get(topicOf(kind)) ?? 0) + depth)
    return depths
  }
}
