import type { Sql } from '../persistence/sql.ts'

const topics: Readonly<Record<string, string>> = {
  session: 'conversation.inbound',
  tool: 'tool.requests',
  memory: 'memory.wal',
}

/** For gateway_dlq_depth: dead letters by the topic that carries their kind of address. */
export function deadLetterDepths(sql: Sql): () => Promise<ReadonlyMap<string, number>> {
  return async () => {
    const rows = await sql.query<{ kind: string; depth: number }>(
      "select split_part(address, ':', 1) as kind, count(*)::float8 as depth from dead_letters group by 1",
    )
    const depths = new Map<string, number>()
    // Several databases give a row each.
    for (const { kind, depth } of rows) {
      const topic = topics[kind] ?? kind
      depths.set(topic, (depths.get(topic) ?? 0) + depth)
    }
    return depths
  }
}
