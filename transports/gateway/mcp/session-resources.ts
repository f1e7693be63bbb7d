import type { ListResourcesResult, ReadResourceResult } from '@modelcontextprotocol/sdk/types.js'
import { isFailure } from '../../../actors/kernel/failure.ts'
import { Refusal, rpcCodes } from './refusal.ts'
import { conversation, summaryOf } from './session-tools.ts'
import type { McpCall } from './tool-answer.ts'

const PAGE = 50
const MESSAGES = 200
const mimeType = 'text/plain'
const SESSION = /^session:\/\/([^/?#]+)$/

export const sessionTemplate = {
  name: 'session',
  title: 'Session',
  uriTemplate: 'session://{id}',
  description: 'The conversation of a session.',
  mimeType,
}

export async function listResources({ context, request }: McpCall, cursor?: string): Promise<ListResourcesResult> {
  const { tenant } = request.caller
  const { records, next } = await context.records.list({
    tenant,
    limit: PAGE,
    ...(cursor !== undefined && { before: cursor }),
  })
  const resources = records.map(summaryOf).map(({ session_id, title, updated_at }) => ({
    uri: `session://${session_id}`,
    name: title ?? session_id,
    title: 'Session',
    description: `Last changed ${updated_at}.`,
    mimeType,
  }))
  return { resources, ...(next !== undefined && { nextCursor: next }) }
}

/** Whatever is no session of the caller's tenant is not there, and is answered alike. */
export async function readResource(call: McpCall, uri: string): Promise<ReadResourceResult> {
  const name = nameIn(uri)
  if (name === undefined) throw notFound(uri, 'a resource is `session://<id>`, with the id or the name of a session')
  try {
    const { text } = await conversation(call, name, MESSAGES)
    return { contents: [{ uri, mimeType, text }] }
  } catch (error) {
    if (isFailure(error, 'SESSION_NOT_FOUND'))
      throw notFound(uri, 'list_sessions and resources/list tell which there are')
    throw error
  }
}

/** As it was written: URL would make a host of the name, and lower its letters. */
function nameIn(uri: string): string | undefined {
  try {
    const name = decodeURIComponent(SESSION.exec(uri)?.[1] ?? '')
    return name === '' || name.length > 128 ? undefined : name
  } catch {
    return undefined
  }
}

function notFound(uri: string, hint: string): Refusal {
  const shown = uri.slice(0, 200)
  return new Refusal(rpcCodes.resourceNotFound, `There is no resource ${shown}: ${hint}.`, { uri: shown })
}
