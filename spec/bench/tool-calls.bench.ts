import { pause } from '../../actors/kernel/pause.ts'
import { systemClock, systemIds } from '../../infra/clock.ts'
import { ScratchFolder } from '../support/scratch-folder.ts'
import { SseReader } from '../support/sse-reader.ts'
import { BenchCluster } from './bench-cluster.ts'
import type { BenchRow } from './bench-row.ts'
import { type BenchServers, withServers } from './bench-servers.ts'
import { ClusterLoad, onBrokers } from './cluster-load.ts'
import { count, ms, percentile } from './figures.ts'

/**
 * Tool calls through the whole of a cluster: asked for at a gateway, by Kafka to the session, by Kafka to the tool's node, run,
 * and by Kafka back to the session and to its stream. An open load: the next call does not wait for the last. The turnaround
 * is what a client sees, from its request to the result on its stream, without the time that the tool itself sleeps.
 */
const CALLS_A_SECOND = 100
const SECONDS = Number(process.env.SOMA_TEST_TOOL_CALL_SECONDS ?? 60)
const WARM_SECONDS = 15
const REST_SECONDS = 5
const SESSIONS = 50
const OWN_MS = 20
const LATE_MS = 10_000

const tool = `export default ({ z }) => ({
  name: 'nap', description: 'Sleeps.', schema: z.object({}), idempotent: true, timeoutMs: 10_000, reaches: ['nothing'],
  concurrency: 200,
  async run() {
    const from = performance.now()
    await new Promise((resolve) => setTimeout(resolve, ${OWN_MS}))
    return String(performance.now() - from)
  },
})`

export const run = () => withServers('tool-calls', measured)

async function measured(servers: BenchServers): Promise<BenchRow[]> {
  const folder = new ScratchFolder()
  folder.write('nap.mjs', tool)
  const policy = folder.write('policy.yaml', "rules: [{ effect: allow, tool: '*' }]\n")
  const env = { SOMA_TOOLS_DIR: folder.path, SOMA_POLICY_FILE: policy }
  const cluster = await BenchCluster.start(servers, ['node', 'node', 'node', 'gateway'], env)
  const load = new ClusterLoad(cluster, servers, 0)
  const callers = new Callers(cluster.url)
  try {
    await callers.open()
    await callers.call(WARM_SECONDS)
    const resting = await atRest(load)
    const before = load.used()
    const calls = await callers.call(SECONDS)
    const after = load.used()
    const overhead = calls.map((one) => one.turnaround - one.own)
    const cpu = Object.entries(after).map(
      ([name, used]) => [name, (used - (before[name] ?? 0)) / calls.length] as const,
    )
    const all = sumOf(cpu)
    const journal = await journaled(cluster)
    return [
      {
        what: `tool calls, ${CALLS_A_SECOND}/s for ${SECONDS} s, three nodes and a gateway, ${onBrokers(servers)}: over the tool’s own ${OWN_MS} ms`,
        value: `p50 ${ms(percentile(overhead, 0.5))}, p95 ${ms(percentile(overhead, 0.95))}, p99 ${ms(percentile(overhead, 0.99))}`,
        goal: 'p95 <= 50 ms',
        note: `${all.toFixed(2)} ms CPU a call: ${splitOf(cpu)}`,
      },
      {
        what: 'the same processes when nothing is asked',
        value: `${sumOf(resting).toFixed(0)} ms CPU a second`,
        note: splitOf(resting),
      },
      {
        what: 'results of all these calls, in the journal',
        value: `${count(callers.results)} of ${count(callers.asked)}, ${count(journal.finished)} journaled`,
        goal: 'all, once',
        note: `${journal.finished - journal.calls} doubled`,
      },
    ]
  } finally {
    callers.close()
    load.close()
    await cluster.release()
    folder.remove()
  }
}

/** Milliseconds of CPU a second, without any call: what a call seems to cost more at a low rate. */
async function atRest(load: ClusterLoad): Promise<Share[]> {
  const before = load.used()
  await pause(systemClock, REST_SECONDS * 1_000)
  return Object.entries(load.used()).map(([name, used]) => [name, (used - (before[name] ?? 0)) / REST_SECONDS] as const)
}

type Share = readonly [process: string, ms: number]

const sumOf = (shares: readonly Share[]) => shares.reduce((sum, [, used]) => sum + used, 0)
const splitOf = (shares: readonly Share[]) => shares.map(([name, used]) => `${name} ${used.toFixed(2)}`).join(', ')

interface Call {
  /** Milliseconds. */
  readonly turnaround: number
  readonly own: number
}

class Callers {
  asked = 0
  results = 0
  readonly #url: string
  readonly #sessions = Array.from({ length: SESSIONS }, () => systemIds.uuid())
  readonly #streams: SseReader[] = []
  readonly #waiting = new Map<string, (own: number) => void>()
  /** Results that came before the answer to the request that says their id. */
  readonly #early = new Map<string, number>()

  constructor(url: string) {
    this.#url = url
  }

  async open(): Promise<void> {
    for (const session of this.#sessions) {
      await this.#post('/v1/session/message', { session_id: session, message: 'hello' })
      const stream = await SseReader.open(`${this.#url}/v1/session/${session}/events?previews=none`)
      this.#streams.push(stream)
      void this.#read(stream).catch(() => {})
    }
  }

  /** Resolves when every call has its result; rejects when one has none in time. */
  async call(seconds: number): Promise<Call[]> {
    const calls: Promise<Call>[] = []
    const from = performance.now()
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const elapsed = (performance.now() - from) / 1_000
        while (calls.length < Math.min(elapsed, seconds) * CALLS_A_SECOND) calls.push(this.#one(calls.length))
        if (elapsed < seconds) return
        clearInterval(timer)
        resolve()
      }, 5)
    })
    return Promise.all(calls)
  }

  close(): void {
    for (const stream of this.#streams) stream.close()
  }

  async #one(n: number): Promise<Call> {
    const session = this.#sessions[n % SESSIONS] as string
    const from = performance.now()
    this.asked++
    const { event_id } = await this.#post('/v1/tool/request', { session_id: session, tool_name: 'nap' })
    const own = await this.#result(`${session}/${event_id}`)
    this.results++
    return { turnaround: performance.now() - from, own }
  }

  #result(callId: string): Promise<number> {
    const came = this.#early.get(callId)
    this.#early.delete(callId)
    if (came !== undefined) return Promise.resolve(came)
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no result of ${callId} within ${LATE_MS} ms`)), LATE_MS)
      this.#waiting.set(callId, (own) => {
        clearTimeout(late)
        resolve(own)
      })
    })
  }

  async #read(stream: SseReader): Promise<void> {
    for (;;) {
      const frame = await stream.next()
      if (frame === undefined) return
      const { type, message, metadata } = JSON.parse(frame.data)
      if (type !== 'tool.result') continue
      if (metadata.status !== 'success') throw new Error(`${metadata.status}: ${message}`)
      const told = this.#waiting.get(metadata.call_id)
      this.#waiting.delete(metadata.call_id)
      if (told) told(Number(message))
      else this.#early.set(metadata.call_id, Number(message))
    }
  }

  async #post(path: string, body: object): Promise<{ event_id: string }> {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${this.#url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
    return (await response.json()) as { event_id: string }
  }
}

async function journaled(cluster: BenchCluster): Promise<{ finished: number; calls: number }> {
  const [row] = await cluster.query<{ finished: number; calls: number }>(
    `select count(*)::float8 as finished, count(distinct data ->> 'callId')::float8 as calls
     from events where kind = 'ToolCallFinished'`,
  )
  return row as { finished: number; calls: number }
}
