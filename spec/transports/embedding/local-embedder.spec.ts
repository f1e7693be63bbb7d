import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { silentLogger } from '../../../actors/kernel/telemetry.ts'
import { LocalEmbedder } from '../../../transports/embedding/local-embedder.ts'
import { failureOf } from '../../support/model-calls.ts'
import { ScratchFolder } from '../../support/scratch-folder.ts'

describe('the local embedding model', () => {
  const signal = new AbortController().signal
  const opened: LocalEmbedder[] = []
  const opens = (parts: ConstructorParameters<typeof LocalEmbedder>[0]) => {
    const embedder = new LocalEmbedder(parts)
    opened.push(embedder)
    return embedder
  }
  afterEach(() => Promise.all(opened.splice(0).map((embedder) => embedder.close())))

  const scratch = new ScratchFolder()
  after(() => scratch.remove())
  let scripts = 0
  /** A model's thread whose program is `source`. */
  function threadOf(source: string): URL {
    const program = `import { parentPort } from 'node:worker_threads'\n${source}`
    return pathToFileURL(scratch.write(`model-${++scripts}.mjs`, program))
  }

  it('puts what means the same near each other, and keeps the order of the texts', async function () {
    this.timeout(120_000)
    const embedder = opens({ log: silentLogger })
    const texts = [
      'The physician is in town',
      '',
      'Where can I see a doctor?',
      '🙂',
      'Shares fell by four percent',
      ' ',
    ]
    const vectors = await embedder.embed(texts, signal).catch((error) => {
      if (/not installed/.test(error.message)) return this.skip()
      throw error
    })
    expect(vectors).to.have.length(6)
    const [physician, doctor, shares] = [0, 2, 4].map((i) => vectors[i]) as [Float32Array, Float32Array, Float32Array]
    for (const vector of vectors) {
      expect(vector).to.have.length(512)
      expect(product(vector, vector)).to.be.closeTo(1, 1e-4)
    }
    expect(product(physician, doctor)).to.be.greaterThan(product(physician, shares) + 0.2)
  })

  it('answers EMBEDDING_UNAVAILABLE when its thread dies, and goes on with another one', async () => {
    const script = threadOf(`parentPort.on('message', ({ id, texts }) => {
      if (texts[0] === 'die') process.exit(3)
      parentPort.postMessage({ id, vectors: texts.map(() => Array(512).fill(1)) })
    })`)
    const embedder = opens({ log: silentLogger, script })
    const failures = await Promise.all([
      failureOf(embedder.embed(['die'], signal)),
      failureOf(embedder.embed(['waiting behind it'], signal)),
    ])
    for (const failure of failures) {
      expect(failure.code).to.equal('EMBEDDING_UNAVAILABLE')
      expect(failure.detail).to.include('exit 3')
    }
    expect(await embedder.embed(['alive'], signal)).to.have.length(1)
  })

  it('says once what to do where its packages are not installed, and costs nothing more', async () => {
    const script = threadOf(`import 'a-package-that-is-not-here'`)
    const said: string[] = []
    const log = { ...silentLogger, warn: (_: object, words: string) => void said.push(words) }
    const embedder = opens({ log, script })
    for (let i = 0; i < 3; i++) {
      const failure = await failureOf(embedder.embed(['text'], signal))
      expect(failure.code).to.equal('EMBEDDING_UNAVAILABLE')
      if (i > 0) expect(failure.detail).to.include('npm install --include=optional')
    }
    expect(said).to.have.length(1)
    expect(said[0]).to.include('SOMA_EMBEDDING_MODEL')
  })

  it('refuses what is no vector of its dimensions', async () => {
    const script = threadOf(`parentPort.on('message', ({ id, texts }) =>
      parentPort.postMessage({ id, vectors: texts.map(() => [1, 2, 3]) }))`)
    expect((await failureOf(opens({ log: silentLogger, script }).embed(['text'], signal))).code).to.equal(
      'EMBEDDING_UNAVAILABLE',
    )
  })

  it('ends with the reason of an abort although the model is still at it', async () => {
    const script = threadOf(`parentPort.on('message', () => {})`)
    const caller = new AbortController()
    const answer = failureOf(opens({ log: silentLogger, script }).embed(['text'], caller.signal))
    const reason = new Error('the turn was stopped')
    caller.abort(reason)
    expect(await answer).to.equal(reason)
  })
})

function product(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, component, i) => sum + component * (b[i] as number), 0)
}
