import { rowsOf } from './database-failure.ts'
import type { Sql } from './sql.ts'
import { fromStoredText, toStoredText } from './stored-json.ts'
import { EVERY_TENANT, type ToolSwitch, type ToolSwitches } from './tool-switches.ts'

interface Row {
  readonly tool: string
  readonly tenant: string
  readonly enabled: boolean
  readonly changed_by: string
  readonly why: string
  readonly ms: number
}

const columns = 'tool, tenant, enabled, changed_by, why, round(extract(epoch from at) * 1000)::float8 as ms'

export class SqlToolSwitches implements ToolSwitches {
  private readonly sql: Sql

  constructor(sql: Sql) {
    this.sql = sql
  }

  async set({ tool, tenant, enabled, by, why, at }: ToolSwitch): Promise<void> {
    await rowsOf(
      this.sql,
      `insert into tool_switches (tool, tenant, enabled, changed_by, why, at)
       values ($1, $2, $3, $4, $5, to_timestamp($6::float8 / 1000))`,
      [toStoredText(tool), toStoredText(tenant), enabled, toStoredText(by), toStoredText(why), at],
    )
  }

  async current(): Promise<readonly ToolSwitch[]> {
    const text = `select distinct on (tool, tenant) ${columns} from tool_switches order by tool, tenant, position desc`
    return (await rowsOf<Row>(this.sql, text)).map(switchOf)
  }

  async changes({ since, tenant, limit }: { since: number; tenant?: string; limit: number }) {
    const rows = await rowsOf<Row>(
      this.sql,
      `select ${columns} from tool_switches
       where at >= to_timestamp($1::float8 / 1000) and ($2::text is null or tenant in ($2, $3))
       order by position limit $4`,
      [since, tenant === undefined ? null : toStoredText(tenant), EVERY_TENANT, limit],
    )
    return rows.map(switchOf)
  }
}

function switchOf({ tool, tenant, enabled, changed_by, why, ms }: Row): ToolSwitch {
  const [name, of, by, because] = [tool, tenant, changed_by, why].map(fromStoredText) as [
    string,
    string,
    string,
    string,
  ]
  return { tool: name, tenant: of, enabled, by, why: because, at: ms }
}
