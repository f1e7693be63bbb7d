import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { systemIds } from '../../infra/clock.ts'
import type { BenchRow } from './bench-row.ts'
import { BenchService } from './bench-service.ts'
import { distribution, ms, percentile } from './figures.ts'

/**
 * kill -9 while clients work, started again at once, as a supervisor of processes does. The clients try on; the time is
 * from the kill to the first turn answered by the new process. Turns that the kill caught are recovered in that time too.
 */
const KILLS = 6
const CLIENTS = 16
const SESSIONS = 200
const BETWEEN_MS = 700
/** Sixteen of them: one tries every 2 ms, and the trying takes little of the machine from the start. */
const TRY_AGAIN_MS = 32

export async function run(): Promise<BenchRow[]> {
  // Parts of the start are told at this level; so are requests, which costs these few clients nothing that counts.
  const service = await BenchService.start({ LOG_LEVEL: 'debug' })
  const clients = new Clients(service.url)
  const toAnswer: number[] = []
  const splits: Split[] = []
  try {
    clients.start()
    for (let kill = 0; kill < KILLS; kill++) {
      await pause(BETWEEN_MS)
      const killedAt = wallClock()
      await service.process.kill()
      clients.epoch++
      service.process.start()
      const answeredAt = await clients.answered()
      toAnswer.push(answeredAt - killedAt)
      splits.push(splitOf(service.log, killedAt, answeredAt))
    }
    await clients.stop()
    if (clients.refusals.length > 0) throw new Error(clients.refusals[0])
    const part = (name: keyof Split) =>
      ms(
        percentile(
          splits.map((split) => split[name]),
          0.5,
        ),
      )
    return [
      {
        what: 'kill -9 to the next answered turn',
        value: distribution(toAnswer, 'max'),
        goal: '<= 1 s',
        note: `of ${KILLS}: to the database opening ${part('boot')}, it ${part('journal')}, to ready ${part('ready')}, to the answer ${part('answer')}`,
      },
    ]
  } finally {
    await clients.stop()
    await service.release()
  }
}

interface Split {
  readonly boot: number
  readonly journal: number
  readonly ready: number
  readonly answer: number
}

/** From the service's own log: each part of the start says when it had started and how long it took. */
function splitOf(log: string, killedAt: number, answeredAt: number): Split {
  const lines = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"part":"journal"') || line.includes('"msg":"ready"'))
    .map((line) => JSON.parse(line) as { time: string; part?: string; ms: number })
    .filter((line) => Date.parse(line.time) >= killedAt)
  const journal = lines.find((line) => line.part === 'journal')
  const ready = lines.find((line) => line.part === undefined)
  if (!journal || !ready) throw new Error('the log of the start is not whole')
  const opened = Date.parse(journal.time)
  const readyAt = Date.parse(ready.time)
  return {
    boot: opened - journal.ms - killedAt,
    journal: journal.ms,
    ready: readyAt - opened,
    answer: answeredAt - readyAt,
  }
}

class Clients {
  /** Which life of the service a request was begun in: an answer begun before the kill is none of the next life. */
  epoch = 0
  readonly refusals: string[] = []
  readonly #url: string
  readonly #dispatcher = new Agent({ pipelining: 1, connect: { timeout: 1_000 } })
  readonly #waiting: ((at: number) => void)[] = []
  #working: Promise<unknown> = Promise.resolve()
  #over = false

  constructor(url: string) {
    this.#url = url
  }

  start(): void {
    const sessions = Array.from({ length: SESSIONS }, () => systemIds.uuid())
    const client = async (first: number) => {
      for (let turn = first; !this.#over; turn += CLIENTS) await this.#say(sessions[turn % SESSIONS] as string)
    }
    this.#working = Promise.all(Array.from({ length: CLIENTS }, (_, first) => client(first)))
  }

  /** When the next turn was answered. */
  answered(): Promise<number> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  async stop(): Promise<void> {
    this.#over = true
    await this.#working
    await this.#dispatcher.destroy()
  }

  /** Until it is answered: the same key, so that a turn accepted before the kill is answered and not begun again. */
  async #say(session: string): Promise<void> {
    const key = systemIds.uuid()
    while (!this.#over) {
      const { epoch } = this
      const status = await this.#post(session, key)
      if (status === 200) {
        if (epoch === this.epoch) for (const resolve of this.#waiting.splice(0)) resolve(wallClock())
        return
      }
      await pause(TRY_AGAIN_MS)
    }
  }

  async #post(session: string, key: string): Promise<number | undefined> {
    try {
      const { statusCode, body } = await request(`${this.#url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-session-id': session, 'idempotency-key': key },
        body: JSON.stringify({ model: 'rehearsal/echo', messages: [{ role: 'user', content: 'Are you there?' }] }),
        dispatcher: this.#dispatcher,
      })
      const text = await body.text()
      if (statusCode !== 200 && statusCode !== 503) this.refusals.push(`${statusCode} ${text.slice(0, 200)}`)
      return statusCode
    } catch {
      return undefined // nobody listens, or the kill cut the answer off
    }
  }
}

/** Milliseconds since the epoch, to be compared with the log's times. */
function wallClock(): number {
  return performance.timeOrigin + performance.now()
}
