import { expect } from 'chai'
import { shardOf } from '../../actors/kernel/address.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { journaledActor } from '../../actors/kernel/journaled-actor.ts'
import type { AddressedKind, Region } from '../../actors/kernel/region.ts'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { toolKind } from '../../actors/tool/actor.ts'
import type { ToolState } from '../../actors/tool/behaviour.ts'
import { toolCatalogue } from '../../actors/tool/catalogue.ts'
import type { ToolCommand } from '../../actors/tool/protocol.ts'
import { createActorSystem, type WatchedActorSystem } from '../../supervisors/actor-system.ts'
import { createRegion } from '../../supervisors/region.ts'
import { allowAll, invoke, session, toolAddress, workTool } from '../support/given-tool.ts'
import { MemoryJournal } from '../support/memory-journal.ts'
import { CountingMetrics, countedIds, Gate, settled, until } from '../support/probe.ts'
import { HeldInMemory, ParkedInMemory } from '../support/region-world.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const shards = [shardOf(toolAddress)]

/** A node whose one tool is not idempotent, and works until the gate is opened. */
class ToolWorld {
  readonly clock = new VirtualClock()
  readonly journal = new MemoryJournal()
  readonly gate = new Gate()
  readonly system: WatchedActorSystem
  readonly region: Region
  readonly settled: string[] = []
  runs = 0

  constructor(finishMs: number) {
    const { clock, journal } = this
    const metrics = new CountingMetrics()
    this.system = createActorSystem({ clock, ids: countedIds(), log: silentLogger, metrics })
    const run = async () => {
      this.runs++
      await this.gate.opened
      return 'the letter is sent'
    }
    const tool = workTool({ idempotent: false, timeoutMs: 600_000, run })
    const deadLetters = new ParkedInMemory()
    const kind = toolKind({ catalogue: toolCatalogue([tool]), policy: allowAll, clock: this.clock })
    const recipe = journaledActor(kind, {
      journal,
      snapshots: { load: async () => undefined, save: async () => {}, remove: async () => {} },
      deadLetters,
      tell: (ref, message, priority) => this.system.tell(ref, message, priority),
      epochOf: () => 1,
      relay: { offer() {} },
    })
    const tools: AddressedKind<{ state(): ToolState }> = {
      ...{ recipe, idleMs: 60_000, finishMs },
      isIdle: (scope) => kind.behaviour.pendingEffects(scope.state()).length === 0,
    }
    this.region = createRegion({
      ...{ system: this.system, clock, log: silentLogger, metrics, deadLetters, quarantine: new HeldInMemory() },
      kinds: { tool: tools },
    })
  }

  tell(command: ToolCommand, id: string): 'accepted' | 'full' {
    const envelope: Envelope = {
      ...{ id, to: toolAddress, from: session, tenant: 'acme', priority: 'normal', trace: {} },
      sentAt: this.clock.now(),
      body: command,
    }
    const position = { shard: shardOf(toolAddress), offset: this.settled.length }
    return this.region.deliver({ envelope, position, settle: () => void this.settled.push(id) })
  }

  async pass(ms: number): Promise<void> {
    for (let gone = 0; gone < ms; gone += 500) {
      this.clock.advance(500)
      await settled(6)
    }
  }

  get outcomes(): string[] {
    return this.journal.sent.map(({ body }) => (body as { outcome: { status: string } }).outcome.status)
  }
}

describe('a tool at work when its shard is handed over', () => {
  let world: ToolWorld
  afterEach(async () => {
    world.gate.open()
    const drained = world.region.drain(1_000)
    await world.pass(60_000)
    await drained
    await world.system.shutdown()
  })

  async function atWork(finishMs: number) {
    world = new ToolWorld(finishMs)
    await world.region.takeOver('tool', shards)
    world.tell(invoke(), 'invoke')
    await until(() => world.runs === 1)
    const handing = { done: false }
    void world.region.handOver('tool', shards, 5_000).then(() => {
      handing.done = true
    })
    await world.pass(2_000)
    return handing
  }

  it('finishes: its outcome is journaled once here, and only then is the shard given away', async () => {
    const handing = await atWork(30_000)
    expect([handing.done, world.outcomes]).to.deep.equal([false, []])
    expect(world.tell({ kind: 'Cancel', v: 1, reason: 'too late' }, 'cancel'), 'left to the next owner').to.equal(
      'full',
    )
    world.gate.open()
    await world.pass(1_000)
    expect([handing.done, world.outcomes, world.runs]).to.deep.equal([true, ['success'], 1])
    expect([world.region.isActive(toolAddress), world.settled]).to.deep.equal([false, ['invoke']])
  })

  it('is stopped when it takes longer than its kind may: what came of it is for the next owner to find out', async () => {
    const handing = await atWork(30_000)
    await world.pass(27_500)
    expect(handing.done).to.equal(false)
    await world.pass(1_000)
    expect([handing.done, world.region.isActive(toolAddress), world.outcomes]).to.deep.equal([true, false, []])
  })

  it('is stopped at once where its kind is not to finish', async () => {
    const handing = await atWork(0)
    expect([handing.done, world.outcomes]).to.deep.equal([true, []])
  })
})
