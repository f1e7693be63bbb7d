import type { Problem } from '../problem.ts'

/** The error shape that OpenAI clients parse, with our code, remedy and trace beside what they expect. */
export interface OpenAiError {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string
    readonly remedy: string
    readonly trace_id?: string
    readonly errors?: Problem['errors']
  }
}

export function openAiError(problem: Problem): OpenAiError {
  return {
    error: {
      message: `${problem.title}: ${problem.detail}`,
      type: typeOf(problem.status),
      param: problem.errors?.[0]?.path ?? null,
      code: problem.code,
      remedy: problem.remedy,
      ...(problem.trace_id === undefined ? {} : { trace_id: problem.trace_id }),
      ...(problem.errors === undefined ? {} : { errors: problem.errors }),
    },
  }
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}
