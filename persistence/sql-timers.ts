import type { ActorKind, Address } from '../actors/kernel/address.ts'
import { rowsOf } from './database-failure.ts'
import type { Sql } from './sql.ts'
import { fromStoredText } from './stored-json.ts'
import type { DueTimer, Timers } from './timers.ts'

export class SqlTimers implements Timers {
  private readonly sql: Sql

  constructor(sql: Sql) {
    this.sql = sql
  }

  async due(kind: ActorKind, shards: readonly number[], at: number, limit: number): Promise<DueTimer[]> {
    const rows = await rowsOf<{ address: Address; timer_id: string; tenant: string; due: number }>(
      this.sql,
      `select address, timer_id, tenant, round(extract(epoch from due) * 1000)::float8 as due from timers
       where kind = $1 and shard = any($2::int[]) and due <= to_timestamp($3::float8 / 1000)
       order by timers.due, address, timer_id limit $4`,
      [kind, shards, at, limit],
    )
    return rows.map(({ address, timer_id, tenant, due }) => ({
      address,
      timerId: timer_id,
      tenant: fromStoredText(tenant),
      due,
    }))
  }
}
