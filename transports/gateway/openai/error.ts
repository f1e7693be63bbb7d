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
      param: paramOf(problem.errors?.[0]?.path),
      code: problem.code,
      remedy: problem.remedy,
      ...(problem.trace_id === undefined ? {} : { trace_id: problem.trace_id }),
      ...(problem.errors === undefined ? {} : { errors: problem.errors }),
    },
  }
}

/** `body/messages/2/content/1/image_url/url` as OpenAI writes it: `messages[2].content[1].image_url.url`. */
export function paramOf(path: string | undefined): string | null {
  const [, ...names] = path?.split('/') ?? []
  if (names.length === 0) return null
  return names.map((name, index) => (/^\d+$/.test(name) ? `[${name}]` : index === 0 ? name : `.${name}`)).join('')
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}
