import { STATUS_CODES } from 'node:http'
import { asFailure, Failure, type FailureCode, failures } from '../../actors/kernel/failure.ts'

/** RFC 9457, with our code and what to do about it. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: FailureCode
  readonly remedy: string
  readonly instance?: string
  readonly trace_id?: string
  readonly errors?: readonly { readonly path: string; readonly message: string }[]
}

export const PROBLEM_JSON = 'application/problem+json; charset=utf-8'

/** Seconds to wait when the failure itself names none. */
const DEFAULT_RETRY_AFTER = 1

export function problemOf(failure: Failure, instance?: string, traceId?: string): Problem {
  const { status, title, remedy } = failures[failure.code]
  return {
    type: `https://somaagent.dev/errors/${failure.code}`,
    title,
    status,
    // What a defect says of itself may hold a path, a query or a secret: it goes to the log, under the trace id.
    detail: failure.code === 'INTERNAL' ? 'The request failed inside the service.' : failure.detail,
    code: failure.code,
    remedy,
    ...(instance === undefined ? {} : { instance }),
    ...(traceId === undefined ? {} : { trace_id: traceId }),
    ...(failure.errors === undefined ? {} : { errors: failure.errors }),
  }
}

/** 429 and 503 always say when to come back (I9). */
export function retryAfterOf(failure: Failure): number | undefined {
  if (failure.retryAfter !== undefined) return Math.ceil(failure.retryAfter)
  const { status } = failures[failure.code]
  return status === 429 || status === 503 ? DEFAULT_RETRY_AFTER : undefined
}

interface HttpError {
  readonly code?: string
  readonly statusCode?: number
  readonly message: string
  readonly validation?: readonly { readonly instancePath?: string; readonly message?: string }[]
  readonly validationContext?: string
}

const byFastifyCode: Record<string, FailureCode> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_CTP_BODY_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  FST_ERR_CTP_INVALID_JSON_BODY: 'MALFORMED_JSON',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'MALFORMED_JSON',
  FST_ERR_NOT_FOUND: 'ROUTE_NOT_FOUND',
}

/** Whatever Fastify, a parser or a route threw, as a failure of the catalogue. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error
  const http = error as HttpError
  if (http.validation) {
    return new Failure('INVALID_REQUEST', `The ${http.validationContext ?? 'request'} does not fit the schema.`, {
      cause: error,
      errors: http.validation.map((issue) => ({
        path: `${http.validationContext ?? 'body'}${issue.instancePath ?? ''}`,
        message: issue.message ?? 'invalid',
      })),
    })
  }
  const code = http.code === undefined ? undefined : byFastifyCode[http.code]
  if (code) return new Failure(code, http.message, { cause: error })
  if (error instanceof SyntaxError && http.statusCode === 400) {
    return new Failure('MALFORMED_JSON', error.message, { cause: error })
  }
  if (http.statusCode !== undefined && http.statusCode >= 400 && http.statusCode < 500) {
    return new Failure('INVALID_REQUEST', http.message || (STATUS_CODES[http.statusCode] ?? ''), { cause: error })
  }
  return asFailure(error)
}
