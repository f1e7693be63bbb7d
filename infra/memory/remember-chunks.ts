import type { Memory } from '../../actors/memory/memory.ts'
import type { RememberChunks } from '../../actors/tool/catalogue/document-ingest.ts'

/** Pages of a document as memories of the tenant, through the same door and policy as everything that is remembered. */
export function rememberChunks(memory: Pick<Memory, 'remember'>): RememberChunks {
  return async ({ callId, tenant, sessionId, personaId, signal }, chunks) => {
    for (const { key, text, source } of chunks) {
      await memory.remember(
        { key, text, value: { text, source }, tags: ['document'] },
        { tenant, role: 'assistant', sessionId, personaId, requestId: `tool/${callId}/${key}`, signal },
      )
    }
    return chunks.length
  }
}
