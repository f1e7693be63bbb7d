import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import type { FastifyRequest } from 'fastify'
import { asFailure, type FailureCode, failures } from '../../../actors/kernel/failure.ts'
import type { GatewayContext } from '../gateway.ts'

/** What every tool of our MCP server has at hand: the gateway, and the request that brought the call. */
export interface McpCall {
  readonly context: GatewayContext
  readonly request: FastifyRequest
}

/** Text for the model that reads it, and the same as data for a program. */
export function answer(text: string, data: Record<string, unknown>): CallToolResult {
  return { content: [{ type: 'text', text }], structuredContent: data }
}

/** A failure is an answer of the tool and no error of the protocol: then the model reads the code and the remedy. */
export async function answering(call: McpCall, work: () => Promise<CallToolResult>): Promise<CallToolResult> {
  try {
    return await work()
  } catch (error) {
    const { code, detail } = asFailure(error)
    const shown = code === 'INTERNAL' ? 'A defect of this service.' : detail
    if (code === 'INTERNAL') call.context.log.error({ err: error, reqId: call.request.id }, 'an MCP call failed')
    return toolError(code, `${shown} ${failures[code].remedy}`)
  }
}

export function toolError(code: FailureCode, sentence: string): CallToolResult {
  return { content: [{ type: 'text', text: `${code}: ${sentence}` }], isError: true }
}

/**
 * The request as the session door knows requests, had the client come by a route of its own: what it asks for is the body,
 * and the id that the client gave is its Idempotency-Key.
 */
export function asRequest({ request }: McpCall, tool: string, body: object, key: string | undefined): FastifyRequest {
  const { 'x-session-id': _, 'x-persona-id': __, 'idempotency-key': given, ...headers } = request.headers
  const idempotencyKey = key ?? given
  return Object.create(request, {
    headers: { value: { ...headers, ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }) } },
    body: { value: body },
    url: { value: `/mcp/${tool}` },
  }) as FastifyRequest
}
