import { setTimeout as pause } from 'node:timers/promises'
import { ask } from './target.ts'
import { wallClock } from './wall-clock.ts'
import type { World } from './world.ts'

/** More than any persona lets wait in one session. */
const FLOOD = 200
const QUARANTINE_MS = 30_000
const REFUSED_MS = 10_000
const STOP_MS = 5_000

/** One session gets more than it can take: it answers with backpressure, and nobody else notices. */
export async function fillMailbox(world: World): Promise<void> {
  await world.times(async (n) => {
    const session = `${world.name}-full-${n}`
    world.fault('fill', session, new Set())
    const from = wallClock()
    const answers = []
    for (let i = 0; i < FLOOD; i++) {
      const key = `${session}-t${i}`
      answers.push(await world.load.say(session, { key, text: `wait 40\nsay ${key}`, calls: 0 }))
    }
    const refused = answers.filter(({ status }) => status !== 200)
    const honest = refused.every(
      ({ status, retryAfter }) => (status === 429 || status === 503) && Number(retryAfter) > 0,
    )
    const codes = [...new Set(refused.map(({ status, code }) => `${status} ${code}`))].join(', ')
    world.demand(
      'a full session answers 429 or 503 with Retry-After',
      refused.length > 0 && honest,
      `${refused.length} of ${FLOOD} refused${codes && `: ${codes}`}`,
    )
    await world.settled()
    neighboursDemand(world, from, (turn) => !turn.key.startsWith(session))
  })
}

/** A model that never answers: its session can be stopped at once and goes on; the others do not wait for it. */
export async function hangModel(world: World): Promise<void> {
  await world.times(async (n) => {
    const session = `${world.name}-hung-${n}`
    world.fault('hang', session, new Set())
    const from = wallClock()
    const hung = await world.load.say(session, { key: `${session}-t0`, text: `say ${session}-t0`, calls: 0 })
    await world.settled()
    const { event_id: hangs } = await post(world, session, 'hang')
    await pause(2_000)
    const asked = wallClock()
    await ask(world.target, `/v1/sessions/${session}/stop`, {})
    const final = await finalOf(world, hung.sessionId as string, hangs, STOP_MS)
    world.demand(
      'a turn whose model hangs is stopped at once',
      final?.metadata.outcome === 'stopped',
      final ? `${final.metadata.outcome} after ${Math.round(wallClock() - asked)} ms` : `not within ${STOP_MS} ms`,
    )
    await world.load.say(session, { key: `${session}-t1`, text: `say ${session}-t1`, calls: 0 })
    await world.settled()
    neighboursDemand(world, from, (turn) => !turn.key.startsWith(session))
  })
}

/**
 * A session whose journal cannot be read by its next owner: it is quarantined with its cause and holds its messages, the
 * others of the shard go on; mended and resumed, it answers what it held.
 */
export async function poisonSession(world: World): Promise<void> {
  const { own, target } = world
  await world.times(async (n) => {
    const session = `${world.name}-poisoned-${n}`
    const first = await world.load.say(session, { key: `${session}-t0`, text: `say ${session}-t0`, calls: 0 })
    await world.settled()
    const from = wallClock()
    const address = `session:${first.sessionId}`
    await own.query('update events set version = version + 98 where address = $1', [address])
    await own.flushRedis()
    const node = await ownerOf(world, first.sessionId as string)
    world.fault('poison', session, new Set())
    await target.kill(node)
    world.fault('kill', node, await world.sessionsOf(node))
    await target.revive(node)
    await world.load.say(session, { key: `${session}-t1`, text: `say ${session}-t1`, calls: 0 })
    const entry = await until(QUARANTINE_MS, () => ask<Quarantined>(target, `/v1/admin/quarantine/${address}`))
    world.demand(
      'a session that cannot be read is quarantined with its cause',
      entry !== undefined,
      entry?.code ?? 'no',
    )
    // Gateways hear of it a moment later; what they take meanwhile is held with the rest, and answered in the end.
    let tries = 2
    const refused = await until(REFUSED_MS, async () => {
      const key = `${session}-t${tries++}`
      const said = await world.load.say(session, { key, text: `say ${key}`, calls: 0 })
      return said.code === 'SESSION_QUARANTINED' ? said : undefined
    })
    world.demand(
      'it says SESSION_QUARANTINED meanwhile',
      refused !== undefined,
      refused ? `${refused.status} after ${tries - 2} tries` : `not within ${REFUSED_MS} ms`,
    )
    await own.query('update events set version = version - 98 where address = $1 and version > 90', [address])
    await ask(target, `/v1/admin/quarantine/${address}/resume`, { action: 'retry' })
    world.demand('mended and resumed, it answers what it held', await world.settled(), 'see completed')
    neighboursDemand(world, from, (turn) => !turn.key.startsWith(session), 5_000)
  })
}

interface Quarantined {
  readonly code: string
}

/** The others' turns since then took no longer than is usual, give or take the machine. */
function neighboursDemand(
  world: World,
  from: number,
  isNeighbour: (turn: { readonly key: string }) => boolean,
  allowedMs = 1_000,
): void {
  const { before, during } = world.turnTimes(from, isNeighbour)
  world.demand(
    `its neighbours' turns take no longer, give or take ${allowedMs} ms`,
    during.count > 0 && during.p99 <= before.p99 + allowedMs,
    `p50 ${during.p50} ms, p99 ${during.p99} ms of ${during.count}; before ${before.p50} and ${before.p99} ms`,
  )
}

async function ownerOf(world: World, sessionId: string): Promise<string> {
  for (const node of world.target.nodes) if ((await world.sessionsOf(node)).has(sessionId)) return node
  throw new Error(`nobody owns session ${sessionId}`)
}

function post(world: World, session: string, message: string): Promise<{ readonly event_id: string }> {
  return ask(world.target, '/v1/session/message', { session_id: session, message })
}

interface Page {
  readonly events: readonly { readonly payload: { type: string; metadata: Readonly<Record<string, unknown>> } }[]
}

function finalOf(world: World, sessionId: string, turnId: string, withinMs: number) {
  return until(withinMs, async () => {
    const { events } = await ask<Page>(world.target, `/v1/sessions/${sessionId}/events?limit=500`)
    return events
      .map(({ payload }) => payload)
      .find(({ type, metadata }) => type === 'assistant.final' && metadata.turn_id === turnId)
  })
}

/** Undefined when it did not come by then. */
async function until<T>(withinMs: number, look: () => Promise<T | undefined>): Promise<T | undefined> {
  for (const end = performance.now() + withinMs; performance.now() < end; await pause(100)) {
    const found = await look().catch(() => undefined)
    if (found !== undefined) return found
  }
  return undefined
}
