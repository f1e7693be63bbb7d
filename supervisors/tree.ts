import type { ActorKind } from '../actors/kernel/address.ts'
import type { Supervision } from '../actors/kernel/supervision.ts'

/**
 * The whole tree, as data:
 *
 *   node
 *   ├─ session ─ shard-0…63 ─ one actor per active session ─ model calls
 *   ├─ tool    ─ shard-0…63 ─ one actor per running invocation
 *   ├─ memory  ─ shard-0…63 ─ one actor per memory shard
 *   └─ mcp     ─ one actor per MCP server that is configured
 *
 * Nothing above the addressed actors handles messages, so nothing there can fail; an addressed actor beyond mending is
 * quarantined alone, and takes neither its shard nor its neighbours along.
 */
const seconds = (n: number) => n * 1000

/** Kind supervisors and shards: they only hold children. */
export const holder: Supervision = {
  strategy: 'one-for-one',
  restart: 'permanent',
  intensity: 3,
  periodMs: seconds(60),
  backoff: { baseMs: 100, maxMs: seconds(5), jitter: 0.2 },
  shutdownMs: seconds(20),
}

/** Sessions, tool invocations, memory shards: recovered from the journal, so restarting is always safe. */
export const addressed: Readonly<Record<ActorKind, Supervision>> = {
  session: {
    strategy: 'one-for-one',
    restart: 'transient',
    intensity: 5,
    periodMs: seconds(60),
    backoff: { baseMs: 50, maxMs: seconds(5), jitter: 0.5 },
    shutdownMs: seconds(10),
  },
  tool: {
    strategy: 'one-for-one',
    restart: 'transient',
    intensity: 3,
    periodMs: seconds(60),
    backoff: { baseMs: 50, maxMs: seconds(5), jitter: 0.5 },
    shutdownMs: seconds(5),
  },
  memory: {
    strategy: 'one-for-one',
    restart: 'transient',
    intensity: 5,
    periodMs: seconds(60),
    backoff: { baseMs: 100, maxMs: seconds(10), jitter: 0.5 },
    shutdownMs: seconds(10),
  },
}

/** A connection to an MCP server: somebody else's process, so it is started again for as long as it takes (decider.ts). */
export const mcpServer: Supervision = {
  strategy: 'one-for-one',
  restart: 'permanent',
  intensity: 5,
  periodMs: seconds(60),
  backoff: { baseMs: 200, maxMs: seconds(30), jitter: 0.2 },
  shutdownMs: seconds(6),
}

/** One step of a turn. Its session hears of a failure and decides; nobody restarts it. Also what a spawn has by default. */
export const modelCall: Supervision = {
  strategy: 'one-for-one',
  restart: 'temporary',
  intensity: 0,
  periodMs: seconds(1),
  backoff: { baseMs: 0, maxMs: 0, jitter: 0 },
  shutdownMs: seconds(2),
}
