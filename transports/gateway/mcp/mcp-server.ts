import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'
import { Failure } from '../../../actors/kernel/failure.ts'
import { personaId, sessionName } from '../schemas.ts'
import { recall, remember } from './memory-tools.ts'
import { sendMessage } from './send-message.ts'
import { conversation, listSessions, readSession, stopTurn, summaryOf } from './session-tools.ts'
import { answering, type McpCall } from './tool-answer.ts'

const INSTRUCTIONS =
  'SomaAgent runs long-lived agent sessions that survive crashes. send_message starts or continues one and waits for ' +
  'its answer; give a request_id of your own, so that asking again never does it twice.'
const LISTED = 50
const requestId = z
  .string()
  .min(1)
  .max(255)
  .describe('An id of your own for this request: the same id is the same request, done once.')

/** Our tools and resources for one request: nothing is kept between two (the gateway has no session state). */
export function mcpServer(call: McpCall): McpServer {
  const { version } = call.context.config
  const server = new McpServer({ name: 'SomaAgent', title: 'SomaAgent', version }, { instructions: INSTRUCTIONS })
  sessionTools(server, call)
  memoryTools(server, call)
  sessionResources(server, call)
  return server
}

function sessionTools(server: McpServer, call: McpCall): void {
  const session_id = sessionName.describe('A session’s id, or a name of your own.')
  server.registerTool(
    'send_message',
    {
      title: 'Send a message to an agent',
      description:
        'Sends a message to an agent session and returns its answer. Without session_id a new session begins; its id is ' +
        'in the answer. Cancelling stops the wait only; stop_turn stops the agent.',
      inputSchema: {
        message: z.string().min(1).max(call.context.limits.messageChars),
        session_id: session_id.optional(),
        persona_id: personaId.optional().describe('Of a new session; the default persona when left out.'),
        request_id: requestId.optional(),
        wait_seconds: z.number().min(0).max(900).default(50).describe('How long to wait for the answer.'),
      },
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
    },
    (sent, extra) =>
      answering(call, () =>
        sendMessage(call, sent, {
          signal: extra.signal,
          progress(progress, message) {
            const progressToken = extra._meta?.progressToken
            if (progressToken === undefined) return
            const notification = {
              method: 'notifications/progress' as const,
              params: { progressToken, progress, message },
            }
            // A client that is gone misses a line of text.
            extra.sendNotification(notification).catch(() => {})
          },
        }),
      ),
  )
  server.registerTool(
    'read_session',
    {
      title: 'Read a session',
      description: 'The newest messages of a session, and whether a turn runs.',
      inputSchema: { session_id, last: z.int().min(1).max(200).default(20).describe('How many messages.') },
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    (asked) => answering(call, () => readSession(call, asked)),
  )
  server.registerTool(
    'list_sessions',
    {
      title: 'List sessions',
      description: 'Your sessions, newest first.',
      inputSchema: { limit: z.int().min(1).max(200).default(20), search: z.string().min(1).max(200).optional() },
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    (asked) => answering(call, () => listSessions(call, asked)),
  )
  server.registerTool(
    'stop_turn',
    {
      title: 'Stop a turn',
      description: 'Stops the running turn of a session at once.',
      inputSchema: { session_id, turn_id: z.string().max(200).optional().describe('Only this turn.') },
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    },
    (asked) => answering(call, () => stopTurn(call, asked)),
  )
}

function memoryTools(server: McpServer, call: McpCall): void {
  const { memory } = call.context
  if (!memory) return
  const namespace = z.string().min(1).max(100).optional()
  const tags = z.array(z.string().min(1).max(100)).max(32).optional()
  server.registerTool(
    'remember',
    {
      title: 'Remember',
      description: 'Keeps a fact in long-term memory, for every agent of your tenant.',
      inputSchema: {
        text: z.string().min(1).max(20_000),
        key: z.string().min(1).max(200).optional().describe('Replaces what had this key.'),
        namespace,
        tags,
        request_id: requestId.optional(),
      },
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    },
    (asked) => answering(call, () => remember(memory, call, asked)),
  )
  server.registerTool(
    'recall',
    {
      title: 'Recall',
      description: 'Searches long-term memory.',
      inputSchema: { query: z.string().min(1).max(4_000), limit: z.int().min(1).max(50).default(10), namespace, tags },
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    (asked) => answering(call, () => recall(memory, call, asked)),
  )
}

function sessionResources(server: McpServer, call: McpCall): void {
  const { context, request } = call
  const { tenant } = request.caller
  server.registerResource(
    'session',
    new ResourceTemplate('session://{id}', {
      async list() {
        const { records } = await context.records.list({ tenant, limit: LISTED })
        const resources = records.map(summaryOf).map(({ session_id, title, updated_at }) => ({
          uri: `session://${session_id}`,
          name: title ?? session_id,
          description: `Last changed ${updated_at}.`,
          mimeType: 'text/plain',
        }))
        return { resources }
      },
    }),
    { title: 'Session', description: 'The conversation of a session.', mimeType: 'text/plain' },
    async (uri, { id }) => {
      if (typeof id !== 'string') throw new Failure('INVALID_REQUEST', 'A session resource is session://<id>.')
      const { text } = await conversation(call, decodeURIComponent(id), 200)
      return { contents: [{ uri: uri.href, mimeType: 'text/plain', text }] }
    },
  )
}
