import { setTimeout as pause } from 'node:timers/promises'
import type { Link } from './target.ts'
import { wallClock } from './wall-clock.ts'
import type { World } from './world.ts'

/** Longer than any lease: its shards have gone to others when it wakes up. */
const FROZEN_MS = 10_000
const CUT_MS = 8_000
/**
 * Past the time that recovery may take: it is the others that are to take over. Where all nodes share one machine, a start in
 * the middle of it takes a whole CPU for two seconds, and it is the start that would be measured.
 */
const REVIVE_AFTER_MS: Span = [3_000, 5_000]
/** In a long mix of faults a start in the middle of a recovery is one of them. */
export const REVIVE_SOON_MS: Span = [200, 1_500]
type Span = readonly [number, number]

/** kill -9 of a node that owns shards, started again a moment later. */
export async function killNode(world: World): Promise<void> {
  await world.times(() => killOne(world, world.chance.pick(world.target.nodes)))
}

export async function killOne(world: World, node: string, reviveAfterMs = REVIVE_AFTER_MS): Promise<void> {
  const sessions = await world.sessionsOf(node)
  const dead = world.target.kill(node)
  world.fault('kill', node, sessions)
  await dead
  const settled = world.settled()
  await pause(world.chance.between(...reviveAfterMs))
  await world.target.revive(node)
  await settled
}

/** The zombie: stopped by the machine for longer than its lease, and then it goes on as if nothing had been. */
export async function freezeNode(world: World): Promise<void> {
  await world.times(() => freezeOne(world, world.chance.pick(world.target.nodes), FROZEN_MS))
}

export async function freezeOne(world: World, node: string, ms: number): Promise<void> {
  const sessions = await world.sessionsOf(node)
  const thawed = world.target.freeze(node, ms)
  world.fault('freeze', node, sessions)
  await Promise.all([world.settled(), thawed])
}

/** kill -9 of a gateway: its clients go on through another. */
export async function killGateway(world: World): Promise<void> {
  await world.times(async () => {
    const gateway = world.chance.pick(world.target.gateways)
    const sessions = world.sessionsAt(gateway.url)
    const dead = world.target.kill(gateway.name)
    world.fault('kill', gateway.name, sessions)
    await dead
    const settled = world.settled()
    await pause(world.chance.between(...REVIVE_AFTER_MS))
    await world.target.revive(gateway.name)
    await settled
  })
}

/** One node cannot reach a server, the others can; first nothing comes through, then connections are refused, in turn. */
export function cutNode(link: Link): (world: World) => Promise<void> {
  return (world) =>
    world.times(async (n) => {
      const { links } = world.own
      const sessions = await world.sessionsOf(links.node)
      const how = n % 2 === 0 ? 'silent' : 'closed'
      links.cut(link, how)
      world.fault(`cut from ${link}`, `${links.node} (${how})`, sessions)
      const settled = world.settled()
      await pause(CUT_MS)
      links.mend()
      world.progress(`${links.node} reaches ${link} again`)
      await settled
    })
}

/** Every process, one after another, as a new version is rolled out. */
export async function rollingRestart(world: World): Promise<void> {
  const { target, own } = world
  const from = wallClock()
  for (const node of target.nodes) {
    world.fault('stop', node, await world.sessionsOf(node))
    await own.stop(node)
    await target.revive(node)
    await world.settled()
  }
  for (const { name, url } of target.gateways) {
    world.fault('stop', name, world.sessionsAt(url))
    await own.stop(name)
    await target.revive(name)
    await world.settled()
  }
  const { before, during } = world.turnTimes(from)
  world.demand(
    'what it adds to a turn is known',
    before.count > 0 && during.count > 0,
    `p50 ${during.p50 - before.p50} ms, p99 ${during.p99 - before.p99} ms (p99 ${before.p99} before, ${during.p99} during)`,
  )
  const { retries, refused, readers } = world.load
  world.demand('no failed request', refused.length === 0, `${refused.length} (${retries} sent again through another)`)
  const cuts = readers.reduce((sum, reader) => sum + reader.cuts, 0)
  world.demand('no broken stream', cuts === 0, `${cuts} cut without a word`)
}
