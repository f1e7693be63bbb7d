import { rowsOf } from './database-failure.ts'
import type { DrillReports, DrillSummary, StoredDrill } from './drill-reports.ts'
import type { Sql } from './sql.ts'
import { fromStoredJson, fromStoredText, toStoredJson, toStoredText } from './stored-json.ts'

interface Row {
  readonly id: string
  readonly name: string
  readonly started_ms: number
  readonly finished_ms: number
  readonly passed: boolean
  readonly report?: string
}

const summary = `id, name, passed,
  (extract(epoch from started_at) * 1000)::float8 as started_ms,
  (extract(epoch from finished_at) * 1000)::float8 as finished_ms`

export class SqlDrillReports implements DrillReports {
  private readonly sql: Sql

  constructor(sql: Sql) {
    this.sql = sql
  }

  async save({ id, name, startedAt, finishedAt, passed, report }: StoredDrill): Promise<void> {
    await rowsOf(
      this.sql,
      `insert into drills (id, name, started_at, finished_at, passed, report)
       values ($1, $2, to_timestamp($3::float8 / 1000), to_timestamp($4::float8 / 1000), $5, $6::jsonb)
       on conflict (id) do nothing`,
      [toStoredText(id), toStoredText(name), startedAt, finishedAt, passed, toStoredJson(report)],
    )
  }

  async list(limit: number): Promise<DrillSummary[]> {
    const text = `select ${summary} from drills order by started_at desc, id limit $1`
    return (await rowsOf<Row>(this.sql, text, [limit])).map(summaryOf)
  }

  async get(id: string): Promise<StoredDrill | undefined> {
    const text = `select ${summary}, report::text as report from drills where id = $1`
    const [row] = await rowsOf<Row>(this.sql, text, [toStoredText(id)])
    return row && { ...summaryOf(row), report: fromStoredJson(row.report as string) }
  }
}

function summaryOf(row: Row): DrillSummary {
  return {
    id: fromStoredText(row.id),
    name: fromStoredText(row.name),
    startedAt: Math.round(row.started_ms),
    finishedAt: Math.round(row.finished_ms),
    passed: row.passed,
  }
}
