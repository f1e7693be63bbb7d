import { expect } from 'chai'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { systemClock, systemIds } from '../../infra/clock.ts'
import { loadConfig } from '../../infra/config/config.ts'
import { openMemorySearch } from '../../infra/memory/memory-search.ts'
import { embeddings, startEmbeddingServer, vectorOf } from '../support/embedding-server.ts'
import { anEntry, aQuery, unit } from '../support/index-entries.ts'

describe('what memory shards search with', () => {
  const means = { clock: systemClock, ids: systemIds, log: silentLogger }
  const signal = new AbortController().signal
  const embeddingOf = (env: Record<string, string>) => loadConfig(env).memory.embedding

  it('is the local model unless another is named', () => {
    expect(embeddingOf({})).to.deep.equal({ kind: 'local' })
    expect(embeddingOf({ SOMA_EMBEDDING_MODEL: 'none' })).to.deep.equal({ kind: 'none' })
    expect(embeddingOf({ SOMA_EMBEDDING_MODEL: 'text-embedding-3-small' })).to.include({
      kind: 'endpoint',
      baseUrl: 'https://api.openai.com/v1',
      dimensions: 1_536,
    })
  })

  it('sends a key only to the endpoint that it was given for', () => {
    const named = { SOMA_EMBEDDING_MODEL: 'e', OPENAI_API_KEY: 'sk-dialogue', OPENAI_BASE_URL: 'http://a.internal/v1' }
    expect(embeddingOf(named)).to.include({ baseUrl: 'http://a.internal/v1', apiKey: 'sk-dialogue' })
    const elsewhere = { ...named, SOMA_EMBEDDING_BASE_URL: 'http://b.internal/v1' }
    expect(embeddingOf(elsewhere)).to.include({ baseUrl: 'http://b.internal/v1', apiKey: undefined })
    const own = embeddingOf({ ...elsewhere, SOMA_EMBEDDING_API_KEY: 'sk-own' })
    expect(own).to.include({ apiKey: 'sk-own' })
    expect(loadConfig({ SOMA_EMBEDDING_API_KEY: 'sk-own' }).secrets).to.include('sk-own')
  })

  it('goes by words alone where no model is wanted', async () => {
    const search = await openMemorySearch(loadConfig({ SOMA_EMBEDDING_MODEL: 'none' }).memory, means)
    expect(search.embedder).to.equal(undefined)
    const index = search.openIndex()
    index.put([anEntry('a', 'green tea')])
    expect(await index.search(aQuery('tea', { mode: 'hybrid' }))).to.have.length(1)
    await search.close()
  })

  it('asks the endpoint that was configured', async () => {
    const server = await startEmbeddingServer(embeddings.right)
    const env = { SOMA_EMBEDDING_MODEL: 'e', SOMA_EMBEDDING_BASE_URL: server.url, SOMA_EMBEDDING_DIMENSIONS: '8' }
    const refused = await openMemorySearch(loadConfig(env).memory, means)
    const failure = await refused.embedder?.embed(['text'], signal).catch((error) => error)
    expect(failure.detail).to.include('3 dimensions instead of 8; set SOMA_EMBEDDING_DIMENSIONS')
    await refused.close()
    const { memory } = loadConfig(env)
    const search = await openMemorySearch(
      { ...memory, embedding: { ...memory.embedding, dimensions: 3 } as never },
      means,
    )
    expect(await search.embedder?.embed(['text'], signal)).to.deep.equal([unit(...vectorOf('text'))])
    await search.close()
    await server.close()
  })
})
