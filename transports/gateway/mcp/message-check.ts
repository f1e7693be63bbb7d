import {
  CallToolRequestSchema,
  InitializeRequestSchema,
  type JSONRPCMessage,
  JSONRPCNotificationSchema,
  type JSONRPCRequest,
  JSONRPCRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  PingRequestSchema,
  ReadResourceRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { sentenceOf } from './field-problem.ts'
import { Refusal, rpcCodes } from './refusal.ts'

const schemas = new Map(
  [
    InitializeRequestSchema,
    PingRequestSchema,
    ListToolsRequestSchema,
    CallToolRequestSchema,
    ListResourcesRequestSchema,
    ListResourceTemplatesRequestSchema,
    ReadResourceRequestSchema,
  ].map((schema) => [schema.shape.method.value as string, schema]),
)

/** Of 2025-03-26, the one revision with batches; the SDK takes as many. */
const MAX_BATCH = 100

/**
 * A body that is not one JSON-RPC message, or a list of them. Found here because the SDK calls every such body a parse
 * error and says no more. With the id of the message, where it has one, so that its sender knows which it was.
 */
export function badBody(body: unknown): { readonly id: string | number | null; readonly refusal: Refusal } | undefined {
  if (!Array.isArray(body)) return badMessage(body, '')
  const wrong = (sentence: string) => ({ id: null, refusal: new Refusal(rpcCodes.request, sentence) })
  if (body.length === 0) return wrong('The list holds no message.')
  if (body.length > MAX_BATCH) return wrong(`The list holds ${body.length} messages; ${MAX_BATCH} is the most.`)
  for (const [index, one] of body.entries()) {
    const bad = badMessage(one, `Message ${index + 1} of ${body.length}: `)
    if (bad) return { ...bad, id: null }
  }
  return undefined
}

function badMessage(message: unknown, which: string) {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    const sentence = `${which}The body must be a JSON-RPC message, which is a JSON object.`
    return { id: null, refusal: new Refusal(rpcCodes.request, sentence) }
  }
  const sent = message as Record<string, unknown>
  // An answer to something that we asked; we never do, and the SDK drops it.
  if (!('method' in sent) && ('result' in sent || 'error' in sent)) return undefined
  const schema = 'id' in sent || !('method' in sent) ? JSONRPCRequestSchema : JSONRPCNotificationSchema
  const { error } = schema.safeParse(sent, { reportInput: true })
  if (error === undefined) return undefined
  const inParams = error.issues.every(({ path }) => path[0] === 'params')
  const id = typeof sent.id === 'string' || Number.isInteger(sent.id) ? (sent.id as string | number) : null
  const code = inParams ? rpcCodes.params : rpcCodes.request
  return { id, refusal: new Refusal(code, which + sentenceOf(error.issues.map(ofParams), Object.keys(schema.shape))) }
}

/**
 * What is wrong with the params of a request. Looked for before the SDK does, which answers with -32603 and its schema's
 * findings as they are. Fields that are not known are ignored: a later revision may give them a meaning.
 */
export function badParams({ method, params }: JSONRPCRequest): Refusal | undefined {
  const schema = schemas.get(method)
  const { error } = schema?.safeParse({ method, params }, { reportInput: true }) ?? {}
  if (error === undefined) return undefined
  return new Refusal(rpcCodes.params, `${method}: ${sentenceOf(error.issues.map(ofParams))}`)
}

/** Who wrote the params knows them by their own names. */
function ofParams<Issue extends { readonly path: readonly PropertyKey[] }>(issue: Issue): Issue {
  return issue.path[0] === 'params' && issue.path.length > 1 ? { ...issue, path: issue.path.slice(1) } : issue
}

/** As the SDK should see it: `task` asks for what we do not offer, and then counts for nothing, says the spec. */
export function withoutTask(message: JSONRPCMessage): JSONRPCMessage {
  if (!('method' in message) || message.params?.task === undefined) return message
  const { task: _, ...params } = message.params
  return { ...message, params } as JSONRPCMessage
}
