import { silentLogger } from '../../actors/kernel/telemetry.ts'
import type { IndexQuery } from '../../actors/memory/index/memory-index.ts'
import { ShardIndex } from '../../persistence/memory-index/shard-index.ts'
import { LocalEmbedder } from '../../transports/embedding/local-embedder.ts'
import { anEntry, aQuery } from '../support/index-entries.ts'
import type { BenchRow } from './bench-row.ts'
import { facts } from './memory-facts.ts'
import { type Kind, type Question, questions } from './memory-questions.ts'

/** How well memory is recalled: questions with known answers, by words, by vectors of the local model, and by both. */
const modes = ['lexical', 'vector', 'hybrid'] as const
const AMONG = 5

export async function run(): Promise<BenchRow[]> {
  const embedder = new LocalEmbedder({ log: silentLogger })
  const signal = new AbortController().signal
  const from = performance.now()
  const ofFacts = await embedder.embed(
    facts.map(({ text }) => text),
    signal,
  )
  const embedMs = performance.now() - from
  const ofQuestions = await embedder.embed(
    questions.map(({ text }) => text),
    signal,
  )
  await embedder.close()

  const index = new ShardIndex()
  index.put(facts.map(({ key, text }, i) => anEntry(key, text, { vector: ofFacts[i] as Float32Array })))
  const all = await Promise.all(modes.map((mode) => ranks(index, mode, ofQuestions)))
  const kinds = [...new Set(questions.map(({ kind }) => kind))]
  const what = `${questions.length} questions to ${facts.length} facts`
  return [
    ...modes.map((mode, m) => ({
      what: `recall of memory, ${mode}`,
      value: `recall@5 ${share(all[m] as number[])}, MRR ${meanReciprocal(all[m] as number[]).toFixed(3)}`,
      ...(mode === 'hybrid' && { goal: 'better than either' }),
      note: m === 0 ? what : kinds.map((kind) => `${kind} ${share(ofKind(all[m] as number[], kind))}`).join(', '),
    })),
    {
      what: 'local embedding model, on a thread',
      value: `${Math.round((facts.length / embedMs) * 1_000)} texts/s`,
      note: 'short texts in batches of 32, its start included',
    },
  ]
}

/** The place of the first right answer to each question; Infinity where none is among ten. */
async function ranks(index: ShardIndex, mode: IndexQuery['mode'], vectors: readonly Float32Array[]): Promise<number[]> {
  return Promise.all(
    questions.map(async ({ text, answers }: Question, i) => {
      const hits = await index.search(aQuery(text, { mode, vector: vectors[i] as Float32Array }))
      const at = hits.findIndex(({ key }) => answers.includes(key))
      return at < 0 ? Number.POSITIVE_INFINITY : at + 1
    }),
  )
}

const ofKind = (all: readonly number[], kind: Kind) => all.filter((_, i) => questions[i]?.kind === kind)
const share = (all: readonly number[]) => (all.filter((rank) => rank <= AMONG).length / all.length).toFixed(2)
const meanReciprocal = (all: readonly number[]) => all.reduce((sum, rank) => sum + 1 / rank, 0) / all.length
