import { messages, type PGlite, protocol } from '@electric-sql/pglite'
import type { SqlText } from './pglite-parameters.ts'

const { serialize } = protocol

/**
 * Prepared statements, which PGlite's own `query` does not have: it parses and plans at every call, and for the append of a
 * single event that is three quarters of the time (2.3 ms against 0.6 ms; batches of 256: no difference). Everything goes
 * to the database as one buffer. Generic plans, because the statements look rows up by key whatever their parameters are.
 */
export class PreparedStatements {
  private readonly database: PGlite
  private readonly names = new Map<string, string>()

  private constructor(database: PGlite) {
    this.database = database
  }

  static async on(database: PGlite): Promise<PreparedStatements> {
    await database.exec('set plan_cache_mode = force_generic_plan')
    return new PreparedStatements(database)
  }

  async query(text: string, params: readonly SqlText[]): Promise<Record<string, unknown>[]> {
    const known = this.names.get(text)
    const name = known ?? `s${this.names.size}`
    const buffers = [
      serialize.bind({ statement: name, values: [...params] }),
      serialize.describe({ type: 'P', name: '' }),
      serialize.execute({}),
      serialize.sync(),
    ]
    if (known === undefined) buffers.unshift(serialize.parse({ name, text }))
    const { messages: answers } = await this.database.runExclusive(() =>
      this.database.execProtocol(Buffer.concat(buffers), { syncToFs: false, throwOnError: false }),
    )
    const error = answers.find((answer) => answer instanceof messages.DatabaseError)
    // A failed parse leaves no statement; any later failure leaves it prepared.
    if (answers.some((answer) => answer.name === 'parseComplete')) this.names.set(text, name)
    if (error !== undefined) throw error
    return rowsOf(answers)
  }
}

type Answers = Awaited<ReturnType<PGlite['execProtocol']>>['messages']

function rowsOf(answers: Answers): Record<string, unknown>[] {
  let fields: messages.RowDescriptionMessage['fields'] = []
  const rows: Record<string, unknown>[] = []
  for (const answer of answers) {
    if (answer instanceof messages.RowDescriptionMessage) fields = answer.fields
    if (answer instanceof messages.DataRowMessage) {
      const row: Record<string, unknown> = {}
      fields.forEach((field, i) => {
        row[field.name] = fromText(answer.fields[i] ?? null, field.dataTypeID)
      })
      rows.push(row)
    }
  }
  return rows
}

const BOOL = 16
const NUMBERS = new Set([21, 23, 700, 701])

// The types that sql.ts allows in an answer; whatever else there is stays text.
function fromText(text: string | null, type: number): unknown {
  if (text === null) return null
  if (type === BOOL) return text === 't'
  return NUMBERS.has(type) ? Number(text) : text
}
