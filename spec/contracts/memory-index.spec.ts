import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { IndexThreads } from '../../persistence/memory-index/index-threads.ts'
import { ShardIndex } from '../../persistence/memory-index/shard-index.ts'
import { loadVectorGraphs, type MakeVectorGraph } from '../../persistence/memory-index/vector-graph.ts'
import { memoryIndexSuite } from './memory-index.ts'

describe('memory index', () => {
  describe('on this thread, vectors compared one by one', () => memoryIndexSuite(() => new ShardIndex()))

  describe('on this thread, with graphs of vectors', () => {
    let makeGraph: MakeVectorGraph | undefined
    before(async function () {
      makeGraph = await loadVectorGraphs()
      if (makeGraph === undefined) this.skip()
    })
    memoryIndexSuite(() => new ShardIndex(makeGraph))
  })

  describe('on threads of their own', () => {
    const threads = new IndexThreads({ threads: 2, log: silentLogger })
    after(() => threads.close())
    memoryIndexSuite(() => threads.open())
  })
})
