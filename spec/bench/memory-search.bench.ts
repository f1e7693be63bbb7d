import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import type { IndexEntry, IndexHit, IndexQuery, MemoryIndex } from '../../actors/memory/index/memory-index.ts'
import { IndexThreads } from '../../persistence/memory-index/index-threads.ts'
import type { BenchRow } from './bench-row.ts'
import { bytes, count, distribution, ms, percentile } from './figures.ts'
import { SyntheticMemories } from './synthetic-memories.ts'

/**
 * Search for the top ten among up to a million memories: words as rare and as common as in natural text (Zipf), vectors of
 * the local model's 512 dimensions in clusters. One shard on one thread, and four shards on two threads whose answers are
 * merged. The million takes minutes: SOMA_BENCH_MEMORIES=1000000.
 */
const SIZES = [10_000, 100_000, 1_000_000]
const QUERIES = 300
const GOAL = 'p99 <= 20 ms'
const PORTION = 2_000
const SHARDS = 4
const REST_MS = 1_500
/** As old as memories get. */
const YEAR_MS = 365 * 24 * 3_600_000

export async function run(): Promise<BenchRow[]> {
  const most = Number(process.env.SOMA_BENCH_MEMORIES ?? 100_000)
  const rows: BenchRow[] = []
  for (const shards of [1, SHARDS]) {
    const threads = new IndexThreads({ threads: shards === 1 ? 1 : 2, log: silentLogger })
    const indexes = Array.from({ length: shards }, () => threads.open())
    const memories = new SyntheticMemories()
    const where = shards === 1 ? '1 shard' : `${shards} shards on 2 threads`
    const restRss = rss()
    let held = 0
    for (const size of SIZES.filter((it) => it <= most)) {
      const built = await grow(indexes, memories, held, size)
      rows.push(...building(where, size - held, built, size, rss() - restRss))
      held = size
      rows.push(...(await searching(where, size, indexes, memories)))
    }
    await Promise.all(indexes.map((index) => index.close()))
    await threads.close()
  }
  return rows
}

interface Built {
  /** Until all that was put is found. */
  readonly seconds: number
  readonly cpuSeconds: number
  /** Of linking vectors, which begins when nothing is put any more. */
  readonly linkingCpuSeconds: number
  readonly longestMs: number
}

/** Puts the memories from `from` to `to`, and watches what it does to the event loop of this thread. */
async function grow(
  indexes: readonly MemoryIndex[],
  memories: SyntheticMemories,
  from: number,
  to: number,
): Promise<Built> {
  let seconds = 0
  let cpuSeconds = 0
  let longestMs = 0
  for (let at = from; at < to; at += PORTION) {
    const entries = Array.from({ length: Math.min(PORTION, to - at) }, (_, i) => memories.entry(at + i))
    const parts = indexes.map((_, shard) => entries.filter((_, i) => i % indexes.length === shard))
    const loop = monitorEventLoopDelay({ resolution: 1 })
    loop.enable()
    const started = performance.now()
    const cpu = process.cpuUsage()
    indexes.forEach((index, shard) => {
      index.put(parts[shard] as IndexEntry[])
    })
    // A search is answered after all that was put before it.
    await Promise.all(indexes.map((index) => index.search(memories.query('rare'))))
    seconds += (performance.now() - started) / 1_000
    const used = process.cpuUsage(cpu)
    cpuSeconds += (used.user + used.system) / 1e6
    loop.disable()
    longestMs = Math.max(longestMs, loop.max / 1e6)
  }
  return { seconds, cpuSeconds, linkingCpuSeconds: await atRest(), longestMs }
}

/** Waits until the index threads have nothing to do; the CPU they used until then. */
async function atRest(): Promise<number> {
  const cpu = process.cpuUsage()
  for (;;) {
    const [from, before] = [performance.now(), process.cpuUsage()]
    await setTimeout(REST_MS)
    const { user, system } = process.cpuUsage(before)
    if ((user + system) / 1_000 > (performance.now() - from) / 50) continue
    const used = process.cpuUsage(cpu)
    return (used.user + used.system) / 1e6
  }
}

function building(where: string, added: number, built: Built, size: number, grown: number): BenchRow[] {
  const per = 100_000 / added
  return [
    {
      what: `indexing memories, ${where}, to ${count(size)}`,
      value: `${(built.seconds * per).toFixed(1)} s per 100,000`,
      note: `${(built.cpuSeconds * per).toFixed(1)} s CPU until all are found, then ${(built.linkingCpuSeconds * per).toFixed(1)} s of linking; the event loop stood still for ${ms(built.longestMs)} at most`,
    },
    {
      what: `memory of the index, ${where}, ${count(size)}`,
      value: `${bytes((grown / size) * 1e6)} per million`,
      note: `RSS of the process over its start; of that ${bytes(1e6 * 512)} vectors`,
    },
  ]
}

async function searching(
  where: string,
  size: number,
  indexes: readonly MemoryIndex[],
  memories: SyntheticMemories,
): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  const ask = (more: Partial<IndexQuery>, words: Parameters<SyntheticMemories['query']>[0]) => () =>
    search(indexes, { ...memories.query(words), ...more })
  const kinds: [string, () => Promise<readonly IndexHit[]>][] = [
    ['hybrid', ask({}, 'natural')],
    ['lexical', ask({ mode: 'lexical' }, 'natural')],
    ['lexical, common words only', ask({ mode: 'lexical' }, 'common')],
    ['hybrid, common words only', ask({}, 'common')],
    ['vector', ask({ mode: 'vector' }, 'natural')],
    ['hybrid, a universe of 1 in 100', ask({ universe: 'universe 1' }, 'natural')],
    ['hybrid, a tag of 1 in 10', ask({ tags: ['tag 1'] }, 'natural')],
    ['hybrid, the youngest 1 in 10', ask({ maxAgeMs: YEAR_MS / 10 }, 'natural')],
    ['hybrid, the youngest half', ask({ maxAgeMs: YEAR_MS / 2 }, 'natural')],
  ]
  for (const [kind, once] of kinds) {
    for (let i = 0; i < 20; i++) await once()
    const samples: number[] = []
    const cpu = process.cpuUsage()
    for (let i = 0; i < QUERIES; i++) {
      const from = performance.now()
      await once()
      samples.push(performance.now() - from)
    }
    const { user, system } = process.cpuUsage(cpu)
    rows.push({
      what: `recall among ${count(size)}, ${where}, ${kind}`,
      value: distribution(samples),
      goal: GOAL,
      // What a search costs, whatever else the machine does.
      note: `${ms((user + system) / 1_000 / QUERIES)} CPU a search, max ${ms(percentile(samples, 1))}`,
    })
  }
  return rows
}

/** As a tenant's shards are asked: all at once, and the best of all answers. */
async function search(indexes: readonly MemoryIndex[], query: IndexQuery): Promise<readonly IndexHit[]> {
  const answers = await Promise.all(indexes.map((index) => index.search(query)))
  return answers
    .flat()
    .sort((a, b) => b.score - a.score)
    .slice(0, query.limit)
}

function rss(): number {
  global.gc?.()
  return process.memoryUsage().rss
}
