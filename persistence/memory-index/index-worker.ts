import { parentPort } from 'node:worker_threads'
import { asFailure } from '../../actors/kernel/failure.ts'
import type { IndexReply, IndexRequest, IndexThreadReady } from './index-messages.ts'
import { LinkingAtRest } from './linking-at-rest.ts'
import { ShardIndex } from './shard-index.ts'
import { loadVectorGraphs } from './vector-graph.ts'

/** A thread that holds the indexes of many shards. Requests are handled one after another, in the order they came. */
const port = parentPort
if (port === null) throw new Error('index-worker.js is started by index-threads.ts')

const indexes = new Map<number, ShardIndex>()
const makeGraph = await loadVectorGraphs()
const linking = new LinkingAtRest((ms, task) => {
  const timer = setTimeout(task, ms)
  return () => clearTimeout(timer)
})

port.on('message', (request: IndexRequest) => port.postMessage(answer(request)))
port.postMessage({ approximate: makeGraph !== undefined } satisfies IndexThreadReady)

function answer(request: IndexRequest): IndexReply {
  const { id } = request
  try {
    const hits = perform(request)
    return hits === undefined ? { id } : { id, hits }
  } catch (error) {
    const { code, detail } = asFailure(error)
    return { id, error: { code, detail } }
  }
}

function perform(request: IndexRequest) {
  let index = indexes.get(request.index)
  if (request.kind === 'close') {
    if (index !== undefined) linking.closed(index)
    return void indexes.delete(request.index)
  }
  if (index === undefined) {
    index = new ShardIndex(makeGraph)
    indexes.set(request.index, index)
  }
  switch (request.kind) {
    case 'put':
      linking.changed(index)
      return index.put(request.entries)
    case 'remove':
      return index.remove(request.keys)
    case 'search':
      return index.searchNow(request.query)
  }
}
