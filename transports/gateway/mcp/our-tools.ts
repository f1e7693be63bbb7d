import type { CallToolResult, ToolAnnotations } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import type { GatewayContext } from '../gateway.ts'
import { personaId, sessionName } from '../schemas.ts'
import { recall, remember } from './memory-tools.ts'
import { sendMessage, type Waiting } from './send-message.ts'
import { listSessions, readSession, stopTurn } from './session-tools.ts'
import type { McpCall } from './tool-answer.ts'

/** A tool that we offer to MCP clients. An argument that it does not know is refused: a slip must not start a new session. */
export interface OurTool {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly schema: z.ZodObject
  readonly annotations: ToolAnnotations
  run(call: McpCall, args: unknown, waiting: Waiting): Promise<CallToolResult>
}

export type OurTools = ReadonlyMap<string, OurTool>

const requestId = z
  .string()
  .min(1)
  .max(255)
  .describe('An id of your own for this request: the same id is the same request, done once.')
const session_id = sessionName.describe('A session’s id, or a name of your own.')
const changing = { readOnlyHint: false, destructiveHint: false }
const reading: ToolAnnotations = { readOnlyHint: true, openWorldHint: false }

/** A Map and not a record: its names come from clients, and `constructor` is none of them. */
export function ourTools({ limits, memory }: GatewayContext): OurTools {
  const tools = [...sessionTools(limits.messageChars), ...(memory ? memoryTools(memory) : [])]
  return new Map(tools.map((tool) => [tool.name, tool]))
}

function sessionTools(messageChars: number): OurTool[] {
  return [
    tool({
      name: 'send_message',
      title: 'Send a message to an agent',
      description:
        'Sends a message to an agent session and returns its answer. Without session_id a new session begins; its id is ' +
        'in the answer. Cancelling stops the wait only; stop_turn stops the agent.',
      schema: z.strictObject({
        message: z.string().min(1).max(messageChars),
        session_id: session_id.optional(),
        persona_id: personaId.optional().describe('Of a new session; the default persona when left out.'),
        request_id: requestId.optional(),
        wait_seconds: z.number().min(0).max(900).default(50).describe('How long to wait for the answer.'),
      }),
      annotations: { ...changing, idempotentHint: false, openWorldHint: true },
      run: sendMessage,
    }),
    tool({
      name: 'read_session',
      title: 'Read a session',
      description: 'The newest messages of a session, and whether a turn runs.',
      schema: z.strictObject({ session_id, last: z.int().min(1).max(200).default(20).describe('How many messages.') }),
      annotations: reading,
      run: readSession,
    }),
    tool({
      name: 'list_sessions',
      title: 'List sessions',
      description: 'Your sessions, newest first.',
      schema: z.strictObject({
        limit: z.int().min(1).max(200).default(20),
        search: z.string().min(1).max(200).optional(),
      }),
      annotations: reading,
      run: listSessions,
    }),
    tool({
      name: 'stop_turn',
      title: 'Stop a turn',
      description: 'Stops the running turn of a session at once.',
      schema: z.strictObject({ session_id, turn_id: z.string().max(200).optional().describe('Only this turn.') }),
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
      run: stopTurn,
    }),
  ]
}

function memoryTools(memory: GatewayContext['memory']): OurTool[] {
  const namespace = z.string().min(1).max(100).optional()
  const tags = z.array(z.string().min(1).max(100)).max(32).optional()
  return [
    tool({
      name: 'remember',
      title: 'Remember',
      description: 'Keeps a fact in long-term memory, for every agent of your tenant.',
      schema: z.strictObject({
        text: z.string().min(1).max(20_000),
        key: z.string().min(1).max(200).optional().describe('Replaces what had this key.'),
        namespace,
        tags,
        request_id: requestId.optional(),
      }),
      annotations: { ...changing, idempotentHint: true, openWorldHint: false },
      run: (call, asked) => remember(memory, call, asked),
    }),
    tool({
      name: 'recall',
      title: 'Recall',
      description: 'Searches long-term memory.',
      schema: z.strictObject({
        query: z.string().min(1).max(4_000),
        limit: z.int().min(1).max(50).default(10),
        namespace,
        tags,
      }),
      annotations: reading,
      run: (call, asked) => recall(memory, call, asked),
    }),
  ]
}

function tool<Schema extends z.ZodObject>(
  it: Omit<OurTool, 'run' | 'schema'> & {
    readonly schema: Schema
    run(call: McpCall, args: z.output<Schema>, waiting: Waiting): Promise<CallToolResult>
  },
): OurTool {
  return { ...it, run: (call, args, waiting) => it.run(call, args as z.output<Schema>, waiting) }
}
