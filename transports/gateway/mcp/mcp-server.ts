import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  CallToolRequestSchema,
  type CallToolResult,
  isJSONRPCRequest,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import type { jsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/types.js'
import { z } from 'zod'
import { closest } from '../../../actors/kernel/did-you-mean.ts'
import { sentenceOf } from './field-problem.ts'
import { badParams, withoutTask } from './message-check.ts'
import type { OurTools } from './our-tools.ts'
import { Refusal, refusalOf, rpcCodes } from './refusal.ts'
import type { Waiting } from './send-message.ts'
import { listResources, readResource, sessionTemplate } from './session-resources.ts'
import { answering, type McpCall, toolError } from './tool-answer.ts'

const INSTRUCTIONS =
  'SomaAgent runs long-lived agent sessions that survive crashes. send_message starts or continues one and waits for ' +
  'its answer; give a request_id of your own, so that asking again never does it twice.'

/** We ask clients nothing, so there is no answer to check; the SDK's own would be made for each request, in 1.3 ms. */
const noValidator: jsonSchemaValidator = {
  getValidator: () => {
    throw new Error('nothing is asked of a client')
  },
}

/**
 * Our tools and resources for one request: nothing is kept between two (the gateway has no session state). The SDK's
 * Server and not its McpServer, which looks tools up by a plain record (`__proto__` is one of them, "disabled"), answers
 * an unknown tool as a result, and offers notices of changes that we never send.
 */
export function mcpServer(call: McpCall, tools: OurTools): Server {
  const { version } = call.context.config
  const capabilities = { tools: {}, resources: {} }
  const server = new Server(
    { name: 'SomaAgent', title: 'SomaAgent', version },
    { capabilities, instructions: INSTRUCTIONS, jsonSchemaValidator: noValidator },
  )
  const list = <T>(work: () => Promise<T>) =>
    work().catch((error: unknown) => {
      throw refusalOf(error, call)
    })

  server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
    onePage(params?.cursor)
    const listed = [...tools.values()].map(({ name, title, description, schema, annotations }) => ({
      ...{ name, title, description, annotations },
      // What the caller may write, so an argument with a default is optional.
      inputSchema: z.toJSONSchema(schema, { io: 'input' }) as { type: 'object' },
    }))
    return { tools: listed }
  })
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal, _meta, sendNotification }) => {
    const { progressToken } = _meta ?? {}
    return called(call, tools, params, {
      signal,
      progress(progress, message) {
        if (progressToken === undefined) return
        const told = { progressToken, progress, message }
        // A client that is gone misses a line of text.
        sendNotification({ method: 'notifications/progress', params: told }).catch(() => {})
      },
    })
  })
  server.setRequestHandler(ListResourcesRequestSchema, ({ params }) => list(() => listResources(call, params?.cursor)))
  server.setRequestHandler(ListResourceTemplatesRequestSchema, ({ params }) => {
    onePage(params?.cursor)
    return { resourceTemplates: [sessionTemplate] }
  })
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => list(() => readResource(call, params.uri)))
  server.fallbackRequestHandler = async ({ method }) => {
    const shown = method.slice(0, 100)
    throw new Refusal(rpcCodes.method, `There is no method \`${shown}\` here: this server offers tools and resources.`)
  }
  return server
}

/** Connects, and answers requests with bad params before the SDK sees them. */
export async function connect(server: Server, transport: Transport): Promise<void> {
  await server.connect(transport)
  const deliver = transport.onmessage
  transport.onmessage = (message, extra) => {
    const refusal = isJSONRPCRequest(message) ? badParams(message) : undefined
    if (refusal === undefined) return deliver?.(withoutTask(message), extra)
    const { id } = message as { id: string | number }
    const error = { code: refusal.code, message: refusal.message }
    transport.send({ jsonrpc: '2.0', id, error }).catch(() => {})
  }
}

/**
 * The spec (2025-11-25, tools, "Error Handling"): a tool that is not there is an error of the protocol; arguments that do not
 * fit are an error of the tool, because a client shows those to its model, which can mend them. Before, both were -32602;
 * clients of those revisions show a result with `isError` just the same.
 */
async function called(
  call: McpCall,
  tools: OurTools,
  { name, arguments: args = {} }: { readonly name: string; readonly arguments?: Record<string, unknown> | undefined },
  waiting: Waiting,
): Promise<CallToolResult> {
  const tool = tools.get(name)
  if (tool === undefined) {
    const names = [...tools.keys()]
    const near = closest(name, names)
    const hint = near === undefined ? `the tools are ${names.join(', ')}.` : `did you mean \`${near}\`?`
    throw new Refusal(rpcCodes.params, `Unknown tool \`${name.slice(0, 100)}\`: ${hint}`)
  }
  const checked = tool.schema.safeParse(args, { reportInput: true })
  if (!checked.success) {
    return toolError('TOOL_ARGUMENTS', `${name}: ${sentenceOf(checked.error.issues, Object.keys(tool.schema.shape))}`)
  }
  return answering(call, () => tool.run(call, checked.data, waiting))
}

function onePage(cursor: string | undefined): void {
  if (cursor === undefined) return
  throw new Refusal(rpcCodes.params, '`cursor` must be left out: this list has one page.')
}
