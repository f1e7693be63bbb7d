import { address } from '../actors/kernel/address.ts'
import { rowsOf } from './database-failure.ts'
import { deniedCall } from './denied-call.ts'
import type { RequeuedCall, RequeuedCalls, Resolution } from './requeued-calls.ts'
import type { Sql } from './sql.ts'
import { fromStoredJson, fromStoredText, toStoredText } from './stored-json.ts'

interface Row {
  readonly accepted: string
  readonly finished: string
  readonly ms: number
  readonly action: Resolution['action'] | null
  readonly resolved_by: string
  readonly why: string
  readonly resolved_ms: number
  readonly done: boolean
}

/** The condition is that of the index events_denied, word for word, or Postgres would not use it. */
const denied = `f.kind = 'InvocationFinished' and (f.data -> 'outcome' -> 'decision' ->> 'allow') = 'false'`

const calls = `select s.data::text as accepted, f.data::text as finished,
    round(extract(epoch from f.at) * 1000)::float8 as ms, r.action, r.resolved_by, r.why, r.done,
    round(extract(epoch from r.at) * 1000)::float8 as resolved_ms
  from events f join events s on s.address = f.address and s.seq = 1
    left join requeue_resolutions r on r.address = f.address
  where ${denied}`

/** On one server: the events, and the resolutions of the calls whose events they are. */
export class SqlRequeuedCalls implements RequeuedCalls {
  private readonly sql: Sql

  constructor(sql: Sql) {
    this.sql = sql
  }

  async list(query: { tenant?: string; limit: number; before?: string }): Promise<RequeuedCall[]> {
    const before = query.before === undefined ? undefined : await this.get(query.before)
    if (query.before !== undefined && before === undefined) return []
    return this.older(query, before)
  }

  /** Those that wait and come after this one in the list. */
  async older({ tenant, limit }: { tenant?: string; limit: number }, before?: RequeuedCall): Promise<RequeuedCall[]> {
    const rows = await rowsOf<Row>(
      this.sql,
      `${calls} and r.done is not true
         and ($1::text is null or s.data -> 'invocation' ->> 'tenant' = $1)
         and ($2::float8 is null or f.at < to_timestamp($2::float8 / 1000)
           or (f.at = to_timestamp($2::float8 / 1000) and f.address > $3::text collate "C"))
       order by f.at desc, f.address limit $4`,
      [
        tenant === undefined ? null : toStoredText(tenant),
        before?.deniedAt ?? null,
        before === undefined ? '' : addressOf(before.callId),
        limit,
      ],
    )
    return rows.flatMap(callOf)
  }

  async get(callId: string): Promise<RequeuedCall | undefined> {
    const [row] = await rowsOf<Row>(this.sql, `${calls} and f.address = $1`, [addressOf(callId)])
    return row && callOf(row)[0]
  }

  async resolve(callId: string, { action, by, why, at }: Resolution): Promise<Resolution> {
    await rowsOf(
      this.sql,
      `insert into requeue_resolutions (address, action, resolved_by, why, at, done)
       values ($1, $2, $3, $4, to_timestamp($5::float8 / 1000), false) on conflict (address) do nothing`,
      [addressOf(callId), action, toStoredText(by), toStoredText(why), at],
    )
    const { done: _, ...stands } = (await this.get(callId))?.resolution ?? { action, by, why, at, done: false }
    return stands
  }

  async done(callId: string): Promise<void> {
    await rowsOf(this.sql, 'update requeue_resolutions set done = true where address = $1', [addressOf(callId)])
  }
}

/** The id comes from an operator's URL. */
function addressOf(callId: string): string {
  return toStoredText(address('tool', callId))
}

function callOf(row: Row): RequeuedCall[] {
  const call = deniedCall(fromStoredJson(row.accepted), fromStoredJson(row.finished), row.ms)
  if (!call) return []
  if (row.action === null) return [call]
  const [by, why] = [fromStoredText(row.resolved_by), fromStoredText(row.why)]
  return [{ ...call, resolution: { action: row.action, by, why, at: row.resolved_ms, done: row.done } }]
}
