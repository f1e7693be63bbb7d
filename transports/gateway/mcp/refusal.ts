import { asFailure, type FailureCode, isFailure } from '../../../actors/kernel/failure.ts'
import type { Problem } from '../problem.ts'
import type { McpCall } from './tool-answer.ts'

/** Codes of JSON-RPC 2.0; below -32000 those of MCP. */
export const rpcCodes = {
  parse: -32700,
  request: -32600,
  method: -32601,
  params: -32602,
  internal: -32603,
  server: -32000,
  resourceNotFound: -32002,
} as const

/**
 * Answered as a JSON-RPC error: the SDK passes on `code`, `message` and `data` of what a handler throws. Not its own
 * McpError, which puts "MCP error -32602:" before the sentence, where every client puts it once more.
 */
export class Refusal extends Error {
  readonly code: number
  readonly data: Readonly<Record<string, unknown>> | undefined

  constructor(code: number, sentence: string, data?: Readonly<Record<string, unknown>>) {
    super(sentence)
    this.name = 'Refusal'
    this.code = code
    this.data = data
  }
}

/** What a resource or a list could not answer. What a defect says of itself goes to the log, never to a client. */
export function refusalOf(error: unknown, { context, request }: McpCall): Refusal {
  if (error instanceof Refusal) return error
  const { code, detail } = asFailure(error)
  if (code === 'INTERNAL') {
    context.log.error({ err: error, reqId: request.id }, 'an MCP request failed')
    return new Refusal(rpcCodes.internal, 'The request failed inside the service.', { code })
  }
  if (isFailure(error, 'INVALID_CURSOR')) {
    const sentence = '`cursor` must be the nextCursor of an earlier answer; leave it out to begin.'
    return new Refusal(rpcCodes.params, sentence, { code })
  }
  return new Refusal(rpcCodes.server, detail, { code })
}

const byFailure: Partial<Record<FailureCode, number>> = {
  MALFORMED_JSON: rpcCodes.parse,
  INVALID_REQUEST: rpcCodes.request,
}

/** A body of an HTTP error as clients of MCP expect one, with our code and remedy as `data`. No id: none was read. */
export function rpcErrorOf({ code, title, detail, remedy, trace_id }: Problem) {
  const message = `${title}: ${detail}`
  return {
    jsonrpc: '2.0',
    id: null,
    error: { code: byFailure[code] ?? rpcCodes.server, message, data: { code, remedy, trace_id } },
  }
}
