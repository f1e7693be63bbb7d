import { expect } from 'chai'
import { loadConfig } from '../../../infra/config/config.ts'
import { probesOf } from '../../../infra/probes/configured.ts'
import { type Found, type Probe, runProbe } from '../../../infra/probes/probe.ts'
import {
  type EmbeddingReply,
  type EmbeddingServer,
  embeddings,
  startEmbeddingServer,
} from '../../support/embedding-server.ts'
import { realClock } from '../../support/gateway-harness.ts'

describe('the look at an embedding endpoint', () => {
  let server: EmbeddingServer
  afterEach(() => server.close())

  async function probe(...script: readonly EmbeddingReply[]): Promise<Probe> {
    server = await startEmbeddingServer(...script)
    const [only, ...more] = await probesOf(
      loadConfig({
        SOMA_EMBEDDING_MODEL: 'words-3',
        SOMA_EMBEDDING_BASE_URL: server.url,
        SOMA_EMBEDDING_API_KEY: 'sk-hunter22',
        SOMA_EMBEDDING_DIMENSIONS: '8',
      }),
    )
    expect(more).to.deep.equal([])
    return only as Probe
  }
  const vectors = (length: number) => embeddings.data({ index: 0, embedding: Array.from({ length }, () => 1) })
  const look = async (...script: readonly EmbeddingReply[]) => runProbe(await probe(...script), realClock, 2_000)

  it('embeds a word once, with the model and the key; then it looks only whether the server is there', async () => {
    const of = await probe(vectors(8), embeddings.status(500))
    for (let n = 0; n < 3; n++) expect(await runProbe(of, realClock)).to.include({ ok: true, required: false })
    expect(server.requests).to.have.length(1)
    expect(server.requests[0]?.body).to.deep.include({ model: 'words-3', input: ['word'] })
    expect(server.requests[0]?.headers).to.include({ authorization: 'Bearer sk-hunter22' })
    await server.close()
    expect(await runProbe(of, realClock)).to.include({ ok: false, cause: 'refused' })
  })

  it('looks again in full until it has seen a vector', async () => {
    const of = await probe(embeddings.status(503), vectors(8))
    expect(await runProbe(of, realClock)).to.include({ ok: false, cause: 'starting' })
    expect(await runProbe(of, realClock)).to.include({ ok: true })
  })

  const table: readonly [string, EmbeddingReply, Partial<Found>, string, string][] = [
    ['of other dimensions', vectors(3), { cause: 'misconfigured' }, '3 dimensions', 'SOMA_EMBEDDING_DIMENSIONS=3'],
    ['without the model', embeddings.status(404, {}, 'no such model'), {}, 'no such model', 'SOMA_EMBEDDING_MODEL'],
    ['that refuses the key', embeddings.status(401), { cause: 'unauthorized' }, 'our key', 'SOMA_EMBEDDING_API_KEY'],
    ['that is a web page', embeddings.page, { cause: 'misconfigured' }, 'something else', 'SOMA_EMBEDDING_BASE_URL'],
    ['that says nothing', embeddings.silence, { cause: 'unresponsive' }, 'says nothing', 'SOMA_EMBEDDING_BASE_URL'],
    ['that hangs up', embeddings.hangUp, { cause: 'failed' }, 'ended the connection', 'SOMA_EMBEDDING_BASE_URL'],
  ]
  for (const [what, reply, expected, detail, remedy] of table) {
    it(`tells one ${what}, with the remedy and without the key`, async () => {
      const found = await look(reply)
      expect(found).to.deep.include({ ok: false, ...expected })
      expect(found.detail).to.include(detail)
      expect(found.remedy).to.include(remedy)
      expect(JSON.stringify(found)).not.to.include('hunter22')
    })
  }

  it('is not made for the model in this process, nor for none', async () => {
    server = await startEmbeddingServer()
    for (const model of ['local', 'none']) {
      expect(await probesOf(loadConfig({ SOMA_EMBEDDING_MODEL: model }))).to.deep.equal([])
    }
  })
})
