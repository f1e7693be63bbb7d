import { expect } from 'chai'
import { Agent } from 'undici'
import { silentLogger } from '../../../actors/kernel/telemetry.ts'
import { OpenAiEmbedder } from '../../../transports/embedding/openai-embedder.ts'
import {
  type EmbeddingReply,
  type EmbeddingServer,
  embeddings,
  startEmbeddingServer,
  vectorOf,
} from '../../support/embedding-server.ts'
import { unit } from '../../support/index-entries.ts'
import { eventually, failureOf } from '../../support/model-calls.ts'
import { countedIds } from '../../support/probe.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

describe('embeddings of an endpoint', () => {
  const signal = new AbortController().signal
  let clock: VirtualClock
  let dispatcher: Agent
  let server: EmbeddingServer
  beforeEach(() => {
    clock = new VirtualClock()
    dispatcher = new Agent()
  })
  afterEach(async () => {
    await dispatcher.destroy()
    await server.close()
  })

  async function at(...script: EmbeddingReply[]): Promise<OpenAiEmbedder> {
    server = await startEmbeddingServer(...script)
    return embedderAt(server.url)
  }

  function embedderAt(baseUrl: string) {
    const config = { baseUrl, apiKey: 'sk-embedding-key', model: 'embed-a', dimensions: 3 }
    const means = { clock, ids: countedIds(), log: silentLogger, dispatcher }
    return new OpenAiEmbedder(config, means, { answerBytes: 100_000 })
  }

  /** Passes the waits between attempts, `count` of them; returns how long they were. */
  async function waits(count: number): Promise<number[]> {
    const passed: number[] = []
    for (let attempt = 1; attempt <= count; attempt++) {
      await eventually(() => server.requests.length === attempt)
      // The call's own deadline and silence are the other tasks.
      await eventually(() => clock.pending === 1)
      passed.push(clock.nextIn as number)
      clock.advance(clock.nextIn as number)
    }
    return passed
  }

  it('are unit vectors in the order of the texts, whatever the order of the answer (E1)', async () => {
    const embedder = await at(embeddings.right)
    const texts = ['one', 'fifteen', 'two thousand']
    expect(await embedder.embed(texts, signal)).to.deep.equal(texts.map((text) => unit(...vectorOf(text))))
    expect(server.requests[0]?.body).to.deep.include({ model: 'embed-a', input: texts })
    expect(server.requests[0]?.headers.authorization).to.equal('Bearer sk-embedding-key')
  })

  it('are asked for in batches of 64, of texts that are cut, and never of an empty one', async () => {
    const embedder = await at(embeddings.right)
    const vectors = await embedder.embed(['', '  ', 'x'.repeat(100_000), ...Array(140).fill('text')], signal)
    expect(vectors).to.have.length(143)
    expect(server.requests.map(({ body }) => body.input.length)).to.deep.equal([64, 64, 15])
    const [empty, blank, long] = server.requests[0]?.body.input ?? []
    expect(long).to.have.length(8_000)
    for (const text of [empty, blank]) expect(text).to.not.equal('')
  })

  it('of no texts are none, and cost no call', async () => {
    const embedder = await at(embeddings.right)
    expect(await embedder.embed([], signal)).to.deep.equal([])
    expect(server.requests).to.have.length(0)
  })

  it('are asked for again after 429, 500, a closed and a half answer, with the waits that were named (E2)', async () => {
    const embedder = await at(
      embeddings.status(429, { 'retry-after': '3' }),
      embeddings.hangUp,
      embeddings.half,
      embeddings.right,
    )
    const answer = embedder.embed(['one'], signal)
    expect(await waits(3)).to.deep.equal([3_000, 250, 500])
    expect(await answer).to.have.length(1)
  })

  it('are given up after four calls, with what the server said and without the key (E2, E3)', async () => {
    const embedder = await at(embeddings.status(503, {}, 'overloaded, sk-embedding-key'))
    const answer = failureOf(embedder.embed(['one'], signal))
    await waits(3)
    const failure = await answer
    expect(failure.code).to.equal('EMBEDDING_UNAVAILABLE')
    expect(failure.detail).to.include('answered 503: overloaded').and.not.include('sk-embedding-key')
    expect(server.requests).to.have.length(4)
  })

  it('are given up at once when the wait would outlast the deadline, with the time to try again', async () => {
    const embedder = await at(embeddings.status(429, { 'retry-after': '60' }))
    const failure = await failureOf(embedder.embed(['one'], signal))
    expect(failure).to.include({ code: 'EMBEDDING_UNAVAILABLE', retryAfter: 60 })
  })

  for (const [what, reply, words] of [
    ['a key that is refused', embeddings.status(401, {}, 'bad key'), 'answered 401: bad key'],
    ['a model that is not there', embeddings.status(404, {}, 'no such model'), 'no such model'],
    ['a web page', embeddings.page, 'no JSON'],
    ['something else', embeddings.data({ text: 'hello' }), 'something else than embeddings'],
    ['other dimensions', embeddings.data({ index: 0, embedding: [1, 2] }), '2 dimensions instead of 3'],
    ['too few', embeddings.data(), '0 embeddings for 1 texts'],
    [
      'too many',
      embeddings.data({ index: 0, embedding: [1, 2, 3] }, { index: 1, embedding: [1, 2, 3] }),
      '2 embeddings for 1 texts',
    ],
    ['a wrong index', embeddings.data({ index: 7, embedding: [1, 2, 3] }), '1 embeddings for 1 texts'],
    ['a vector of zeros', embeddings.data({ index: 0, embedding: [0, 0, 0] }), 'without a direction'],
    ['an answer without end', embeddings.flood, 'larger than 100000 bytes'],
  ] as const)
    it(`fail at once, and say why, at ${what} (E1, E3)`, async () => {
      const embedder = await at(reply)
      const failure = await failureOf(embedder.embed(['one'], signal))
      expect(failure.code).to.equal('EMBEDDING_UNAVAILABLE')
      expect(failure.detail).to.include(words)
      expect(server.requests).to.have.length(1)
    })

  it('fail at the deadline of a server that says nothing, and not before', async () => {
    const embedder = await at(embeddings.silence)
    let isOver = false
    const answer = failureOf(embedder.embed(['one'], signal)).finally(() => {
      isOver = true
    })
    await eventually(() => server.requests.length === 1)
    clock.advance(19_999)
    expect(isOver).to.equal(false)
    clock.advance(10_001)
    expect((await answer).code).to.equal('EMBEDDING_UNAVAILABLE')
  })

  it('fail when nobody listens there', async () => {
    const embedder = await at(embeddings.right)
    await server.close()
    const answer = failureOf(embedder.embed(['one'], signal))
    let isOver = false
    answer.finally(() => {
      isOver = true
    })
    await eventually(() => {
      if (clock.pending === 1) clock.advance(clock.nextIn as number)
      return isOver
    })
    expect((await answer).detail).to.include('ECONNREFUSED')
    server = await startEmbeddingServer(embeddings.right)
  })

  it('end with the reason of an abort, at once', async () => {
    const embedder = await at(embeddings.silence)
    const caller = new AbortController()
    const answer = failureOf(embedder.embed(['one'], caller.signal))
    await eventually(() => server.requests.length === 1)
    const reason = new Error('the turn was stopped')
    caller.abort(reason)
    expect(await answer).to.equal(reason)
    expect(clock.pending, 'timers left').to.equal(0)
  })
})
