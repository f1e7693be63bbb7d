import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import type { CallAnswer } from '../../actors/mcp/protocol.ts'

type Part = CallToolResult['content'][number]

/** What a tool of a server answered, as text: that is what a model reads. What is no text is named, with its size. */
export function answerOf(result: CallToolResult): CallAnswer {
  const parts = result.content.map(textOf)
  // Servers that give structured content should repeat it as text; those that do not are read all the same.
  if (parts.length === 0 && result.structuredContent !== undefined) parts.push(JSON.stringify(result.structuredContent))
  const text = parts.join('\n')
  const isError = result.isError === true
  const silent = isError ? 'The tool failed and did not say why.' : '(the tool returned nothing)'
  return { text: text === '' ? silent : text, isError }
}

function textOf(part: Part): string {
  switch (part.type) {
    case 'text':
      return part.text
    case 'image':
    case 'audio':
      return `[${part.type} ${part.mimeType}, ${sizeOf(part.data)} bytes]`
    case 'resource_link':
      return `[resource ${part.name}: ${part.uri}${part.description ? ` - ${part.description}` : ''}]`
    case 'resource': {
      const { resource } = part
      if ('text' in resource) return `[resource ${resource.uri}]\n${resource.text}`
      return `[resource ${resource.uri}, ${resource.mimeType ?? 'unknown type'}, ${sizeOf(resource.blob)} bytes]`
    }
    default:
      return `[something of the type ${String((part as { type: unknown }).type).slice(0, 50)}]`
  }
}

function sizeOf(base64: string): number {
  return Math.floor((base64.length * 3) / 4) - (base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0)
}
