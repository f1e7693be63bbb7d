import type { FailureCode } from '../../actors/kernel/failure.ts'
import { asFailure, failures, isFailure } from '../../actors/kernel/failure.ts'

/** What a command ends with; shown by `soma help` and docs/RUNBOOK.md. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  cannotStart: 5,
  interrupted: 130,
} as const

export const exitCodeTable = `Exit codes:
  0    done
  1    the service answered with an error, or the turn did not complete
  2    the command line is wrong
  3    no service answers at the address
  4    the credential is missing or may not do that
  5    the service cannot start: configuration, port, data directory or a server it needs
  130  interrupted`

/** An answer of the service that says no: the problem document's words, with the catalogue's remedy. */
export class ServiceProblem extends Error {
  readonly code: string
  readonly status: number
  readonly detail: string
  readonly remedy: string
  readonly retryAfter: number | undefined

  constructor(problem: {
    code: string
    status: number
    detail: string
    remedy: string
    retryAfter?: number | undefined
  }) {
    super(`${problem.code}: ${problem.detail}`)
    this.name = 'ServiceProblem'
    this.code = problem.code
    this.status = problem.status
    this.detail = problem.detail
    this.remedy = problem.remedy
    this.retryAfter = problem.retryAfter
  }
}

/** Nothing answers, or something that is not our service. */
export class Unreachable extends Error {
  readonly url: string

  constructor(url: string, why: string, cause?: unknown) {
    super(why, { cause })
    this.name = 'Unreachable'
    this.url = url
  }
}

export function causeOf(error: unknown): string {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause
  return cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : String(error))
}

export async function problemIn(response: Response, url: string): Promise<Error> {
  const problem = (await response.json().catch(() => undefined)) as Record<string, unknown> | undefined
  if (typeof problem?.code !== 'string') {
    return new Unreachable(url, `what answers there is not SomaAgent (HTTP ${response.status})`)
  }
  const errors = Array.isArray(problem.errors) ? (problem.errors as { path: string; message: string }[]) : []
  const fields = errors.map(({ path, message }) => `${path} ${message}`).join('; ')
  const retryAfter = Number(response.headers.get('retry-after'))
  return new ServiceProblem({
    code: problem.code,
    status: response.status,
    detail: [problem.detail, fields].filter(Boolean).join(' '),
    remedy: [problem.remedy, problem.trace_id && `(trace ${problem.trace_id})`].filter(Boolean).join(' '),
    retryAfter: retryAfter > 0 ? retryAfter : undefined,
  })
}

/** A turn that ended without an answer, with the words of the catalogue. */
export function failedTurn({ code, detail }: { readonly code?: unknown; readonly detail?: unknown }): ServiceProblem {
  const known = failures[code as FailureCode] as (typeof failures)[FailureCode] | undefined
  return new ServiceProblem({
    code: String(code ?? 'TURN_FAILED'),
    status: known?.status ?? 500,
    detail: String(detail ?? known?.title ?? 'The turn ended without an answer.'),
    remedy: known?.remedy ?? 'The journal says more: `soma show SESSION`.',
  })
}

/** The catalogue speaks to clients of HTTP; who sits at this command line has commands for the same. */
const commandFor: Readonly<Record<string, string>> = {
  'GET /v1/sessions': '`soma sessions`',
  'GET /v1/personas': '`soma personas`',
  'GET /v1/models': '`soma models`',
  'GET /v1/tools': '`soma tools --json`',
}

function inCommands(remedy: string): string {
  return remedy.replaceAll(/GET \/v1\/\w+/g, (route) => commandFor[route] ?? route)
}

/** A wrong use that the option parser cannot see. */
export class UsageError extends Error {}

/** What the person reads, and what the shell gets. */
export interface Ending {
  readonly exitCode: number
  readonly code: string
  readonly detail: string
  readonly remedy: string
}

export function endingOf(error: unknown): Ending {
  if (error instanceof ServiceProblem) {
    const refused = error.status === 401 || error.status === 403
    const { code, detail, remedy } = error
    return { exitCode: refused ? exitCodes.refused : exitCodes.failed, code, detail, remedy: inCommands(remedy) }
  }
  if (error instanceof Unreachable) {
    return {
      exitCode: exitCodes.unreachable,
      code: 'UNREACHABLE',
      detail: `No service answers at ${error.url}: ${error.message}`,
      remedy: 'Start it with `npm start` (or `soma serve`), name it with --url, or set SOMA_AGENT_MODE=LOCAL.',
    }
  }
  if (error instanceof UsageError) {
    return { exitCode: exitCodes.usage, code: 'USAGE', detail: error.message, remedy: 'See `soma help`.' }
  }
  const failure = asFailure(error)
  const cannotStart = isFailure(error) && failure.disposition === 'fatal'
  return {
    exitCode: cannotStart ? exitCodes.cannotStart : exitCodes.failed,
    code: failure.code,
    detail: failure.detail,
    remedy: inCommands(failures[failure.code as FailureCode].remedy),
  }
}
