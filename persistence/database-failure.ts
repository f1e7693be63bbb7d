import { Failure } from '../actors/kernel/failure.ts'
import type { Sql } from './sql.ts'

/** The SQLSTATE of an error of pg or PGlite, which both put it into `code`; undefined for a lost connection or a dead database. */
function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}

// 22 data, 23 constraint, 42 syntax, 54 limit exceeded: the statement would fail again in the same way.
const statementsOwnFault = /^(22|23|42|54)/

/** Whether the statement itself is at fault, so that its neighbours in a batch may still succeed without it (J5). */
export function isStatementsFault(error: unknown): boolean {
  const state = sqlState(error instanceof Failure ? error.cause : error)
  return state !== undefined && statementsOwnFault.test(state)
}

/**
 * What a caller of persistence/ gets to see. The statement's own fault is a message that can never be stored, so it is
 * parked (MALFORMED_MESSAGE) and not retried for ever; everything else is a database that may come back.
 */
export function asDatabaseFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  const message = error instanceof Error ? error.message : String(error)
  const state = sqlState(error)
  if (state !== undefined && /^(22|23|54)/.test(state)) {
    return new Failure('MALFORMED_MESSAGE', `the database refuses the content: ${message}`, { cause: error })
  }
  if (state !== undefined && /^42/.test(state)) return new Failure('INTERNAL', message, { cause: error })
  return new Failure('JOURNAL_UNAVAILABLE', message, { cause: error, retryAfter: 1 })
}

/** A statement outside any batch, with its failure translated. */
export async function rowsOf<Row>(sql: Sql, text: string, params: readonly unknown[] = []): Promise<Row[]> {
  try {
    return await sql.query<Row>(text, params)
  } catch (error) {
    throw asDatabaseFailure(error)
  }
}
