import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { answer, type McpCall } from './tool-answer.ts'

/** What our MCP server needs of memory; the door of the memory actors has it all. Without one there are no such tools. */
export interface McpMemory {
  remember(
    asked: {
      readonly text: string
      readonly key?: string | undefined
      readonly namespace?: string | undefined
      readonly tags?: readonly string[] | undefined
    },
    by: McpMemoryCaller,
  ): Promise<{ readonly key: string; readonly namespace: string; readonly replaced: boolean }>
  recall(
    asked: {
      readonly query: string
      readonly topK?: number | undefined
      readonly namespace?: string | undefined
      readonly tags?: readonly string[] | undefined
    },
    by: McpMemoryCaller,
  ): Promise<{
    readonly results: readonly {
      readonly key: string
      readonly namespace: string
      readonly text: string
      readonly tags: readonly string[]
      readonly score: number
    }[]
    readonly warnings: readonly string[]
  }>
}

export interface McpMemoryCaller {
  readonly tenant: string
  readonly role: 'user'
  /** The same for every attempt of one request: what makes it one. */
  readonly requestId: string
}

export interface Remembering {
  readonly text: string
  readonly key?: string | undefined
  readonly namespace?: string | undefined
  readonly tags?: readonly string[] | undefined
  readonly request_id?: string | undefined
}

export async function remember(memory: McpMemory, call: McpCall, asked: Remembering): Promise<CallToolResult> {
  const { request_id, ...what } = asked
  const { key, namespace, replaced } = await memory.remember(what, callerOf(call, request_id))
  return answer(`${replaced ? 'Replaced' : 'Remembered'} as ${key} in ${namespace}.`, { key, namespace, replaced })
}

export async function recall(
  memory: McpMemory,
  call: McpCall,
  asked: {
    readonly query: string
    readonly limit: number
    readonly namespace?: string | undefined
    readonly tags?: readonly string[] | undefined
  },
): Promise<CallToolResult> {
  const { limit, ...rest } = asked
  const { results, warnings } = await memory.recall({ ...rest, topK: limit }, callerOf(call, undefined))
  const memories = results.map(({ key, namespace, text, tags, score }) => ({ key, namespace, text, tags, score }))
  const lines = memories.map(({ key, text }) => `- ${text} [${key}]`)
  return answer([...(lines.length === 0 ? ['Nothing is known of that.'] : lines), ...warnings].join('\n'), {
    memories,
    warnings: [...warnings],
  })
}

function callerOf({ request }: McpCall, requestId: string | undefined): McpMemoryCaller {
  const key = request.headers['idempotency-key']
  const repeated = typeof key === 'string' && key !== '' ? key : request.id
  return { tenant: request.caller.tenant, role: 'user', requestId: requestId ?? repeated }
}
