import type { Clock, Ids } from '../../actors/kernel/clock.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { Embedder, MemoryIndex } from '../../actors/memory/index/memory-index.ts'
import { IndexThreads } from '../../persistence/memory-index/index-threads.ts'
import { LocalEmbedder } from '../../transports/embedding/local-embedder.ts'
import type { EmbeddingConfig, MemoryConfig } from '../config/config-memory.ts'

/** What memory shards search with. Nothing is started or loaded before it is used, so it costs a start nothing. */
export interface MemorySearch {
  /** An empty index for one shard. */
  openIndex(): MemoryIndex
  /** Undefined: by words alone. */
  readonly embedder: Embedder | undefined
  close(): Promise<void>
}

export async function openMemorySearch(
  config: MemoryConfig,
  means: { clock: Clock; ids: Ids; log: Logger },
): Promise<MemorySearch> {
  const threads = new IndexThreads({ threads: config.indexThreads, log: means.log })
  const { embedder, close } = await openEmbedder(config.embedding, means)
  return {
    openIndex: () => threads.open(),
    embedder,
    close: async () => void (await Promise.all([threads.close(), close()])),
  }
}

async function openEmbedder(config: EmbeddingConfig, means: { clock: Clock; ids: Ids; log: Logger }) {
  switch (config.kind) {
    case 'none':
      return { embedder: undefined, close: async () => {} }
    case 'local': {
      const embedder = new LocalEmbedder(means)
      return { embedder, close: () => embedder.close() }
    }
    case 'endpoint': {
      const { Agent } = await import('undici')
      const { OpenAiEmbedder } = await import('../../transports/embedding/openai-embedder.ts')
      const dispatcher = new Agent({ keepAliveTimeout: 30_000 })
      return { embedder: new OpenAiEmbedder(config, { ...means, dispatcher }), close: () => dispatcher.destroy() }
    }
  }
}
