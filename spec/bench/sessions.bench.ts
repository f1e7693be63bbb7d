import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause, setImmediate } from 'node:timers/promises'
import { type Address, address, shardOf } from '../../actors/kernel/address.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { silentLogger as log } from '../../actors/kernel/telemetry.ts'
import { allOn } from '../../actors/tool/tool-switches.ts'
import { systemClock as clock, systemIds as ids } from '../../infra/clock.ts'
import { loadConfig } from '../../infra/config/config.ts'
import { loadContent } from '../../infra/content.ts'
import { Lifecycle } from '../../infra/lifecycle.ts'
import { openMemorySearch } from '../../infra/memory/memory-search.ts'
import { Metrics } from '../../infra/telemetry/metrics.ts'
import { actorKindsHere, startActors } from '../../infra/wire.ts'
import { openPersistence } from '../../persistence/open.ts'
import { ensureTemplate } from '../../persistence/pglite-files.ts'
import { allShards, InProcessMailbox } from '../../transports/in-process-mailbox.ts'
import { InProcessOutbound } from '../../transports/in-process-outbound.ts'
import { createModels } from '../../transports/model/models.ts'
import { common, template } from '../support/persistence-under-test.ts'
import type { BenchRow } from './bench-row.ts'
import { bytes, count, distribution } from './figures.ts'

/**
 * Real sessions in one process, wired as a service wires them but for the gateway: each has a conversation of one turn,
 * rests in memory, is sent to sleep, and wakes at its next message. The database's thread has a heap of its own, which
 * is not counted.
 */
const SESSIONS = 10_000
const AT_ONCE = 256
const WAKE_PER_SECOND = 500
const WOKEN = 2_000
const MESSAGE = 'A message of two hundred bytes, as a person writes it in a chat. '.repeat(4).slice(0, 200)

export async function run(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'soma-bench-'))
  const lifecycle = new Lifecycle(log, clock)
  try {
    return await measured(folder, lifecycle)
  } finally {
    await lifecycle.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measured(folder: string, lifecycle: Lifecycle): Promise<BenchRow[]> {
  await ensureTemplate(template, clock, log)
  cpSync(template, join(folder, 'data', 'pg'), { recursive: true })
  const persistence = await lifecycle.start(
    'journal',
    () => openPersistence({ ...common, dataDir: join(folder, 'data') }),
    (it) => it.close(),
  )
  const mailbox = await InProcessMailbox.open({ rows: persistence.mailboxRows, clock, log })
  const finals = new Finals(log)
  const { region, holding } = await startActors(
    {
      kinds: actorKindsHere,
      leases: new Map(),
      config: { ...loadConfig({}).actors, idleMs: 3_600_000, maxActiveSessions: SESSIONS * 2, drainMs: 10_000 },
      toolSwitches: allOn,
      memorySearch: await openMemorySearch(loadConfig({ SOMA_EMBEDDING_MODEL: 'none' }).memory, { clock, ids, log }),
      persistence,
      // Without snapshots: what they hold has a bound of its own (64 MB), and recovery from the journal is the dearer.
      snapshots: { load: async () => undefined, save: async () => {}, remove: async () => {} },
      mailbox,
      outbound: finals,
      models: await createModels({ dialogue: { model: 'rehearsal/echo' }, discover: false }, { clock, ids, log }),
      content: await loadContent(loadConfig({}).content, { clock, ids, log }),
      dailyTokenLimit: () => 0,
      clock,
      ids,
      log,
      metrics: new Metrics(),
      escalated: (failure) => {
        throw failure
      },
    },
    lifecycle,
  )
  for (const kind of actorKindsHere) await holding.take(kind, await persistence.epochs.claim('bench', kind, allShards))
  const sessions = Array.from({ length: SESSIONS }, () => address('session', ids.uuid()))
  const turn = async (to: Address) => {
    const answered = finals.of(to)
    await mailbox.send(userTurn(to))
    await answered
  }
  // What the first turns leave behind for good (compiled code, shard holders, pools) belongs to no session.
  const first = Array.from({ length: 1_000 }, () => address('session', ids.uuid()))
  await eachOf(first, turn)
  await eachOf(first, (it) => region.passivate(it, 'memory'))

  const empty = await heapUsed()
  await eachOf(sessions, turn)
  const resting = await heapUsed()
  const active = region.active()
  await eachOf(sessions, (it) => region.passivate(it, 'memory'))
  const passivated = await heapUsed()
  if (active < SESSIONS || region.active() > 0) throw new Error(`${active} were active, ${region.active()} stayed`)

  const wakes = await paced(sessions.slice(0, WOKEN), (to) => {
    const from = performance.now()
    return new Promise<number>((resolve) => {
      const settle = () => resolve(performance.now() - from)
      // A command that is journaled and calls no model: waking, recovery, decision and append are in the time.
      const envelope = { ...userTurn(to), body: { kind: 'UpdateMetadata', v: 1, metadata: { seen: 'again' } } }
      region.deliver({ envelope, position: { shard: shardOf(to), offset: -1 }, settle })
    })
  })
  return [
    {
      what: `session active and idle, of ${count(SESSIONS)}`,
      value: bytes((resting - empty) / SESSIONS),
      goal: '<= 2,048 bytes',
      note: 'one turn of 200 bytes and its answer',
    },
    { what: 'the same session passivated', value: bytes((passivated - empty) / SESSIONS), goal: '0 bytes' },
    {
      what: `waking a session from the journal, ${WAKE_PER_SECOND}/s`,
      value: distribution(wakes),
      goal: 'p50 <= 2 ms',
      note: 'to its message journaled, an append included',
    },
  ]
}

function userTurn(to: Address): Envelope {
  const id = ids.uuid()
  const body = { kind: 'AcceptUserTurn', v: 1, turnId: id, text: MESSAGE, attachments: [], metadata: {} }
  return { id, to, from: 'gateway', tenant: 'bench', priority: 'normal', trace: {}, sentAt: clock.now(), body }
}

/** Tells when a session's turn is over. */
class Finals extends InProcessOutbound {
  readonly #waiting = new Map<string, () => void>()

  of(session: Address): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(session, resolve))
  }

  override announce(announcement: Parameters<InProcessOutbound['announce']>[0]): void {
    super.announce(announcement)
    if (announcement.event.type !== 'assistant.final') return
    const session = address('session', announcement.sessionId)
    this.#waiting.get(session)?.()
    this.#waiting.delete(session)
  }
}

async function eachOf(list: readonly Address[], work: (one: Address) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let one = list[next++]; one !== undefined; one = list[next++]) await work(one)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

/** Open loop: one begins at its time, whether or not those before it are done. */
async function paced<T>(list: readonly Address[], work: (one: Address) => Promise<T>): Promise<T[]> {
  const from = performance.now()
  const begun: Promise<T>[] = []
  for (const one of list) {
    const due = from + (begun.length * 1_000) / WAKE_PER_SECOND
    if (due > performance.now()) await pause(due - performance.now())
    begun.push(work(one))
  }
  return Promise.all(begun)
}

async function heapUsed(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    await setImmediate()
    globalThis.gc?.()
  }
  return process.memoryUsage().heapUsed
}
