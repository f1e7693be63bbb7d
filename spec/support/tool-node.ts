import { expect } from 'chai'
import { type Address, address } from '../../actors/kernel/address.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { journaledActor } from '../../actors/kernel/journaled-actor.ts'
import type { Ref } from '../../actors/kernel/ref.ts'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { type ToolActorParts, toolKind } from '../../actors/tool/actor.ts'
import { toolCatalogue } from '../../actors/tool/catalogue.ts'
import type { ToolCommand, ToolOutcome } from '../../actors/tool/protocol.ts'
import type { Tool } from '../../actors/tool/tool.ts'
import { createActorSystem } from '../../supervisors/actor-system.ts'
import type { Delivery } from '../../transports/mailbox.ts'
import { allowAll, session, toolAddress } from './given-tool.ts'
import { MemoryJournal } from './memory-journal.ts'
import { CountingMetrics, countedIds, settled, until } from './probe.ts'
import { VirtualClock } from './virtual-clock.ts'

/** A node with one kind of actor. `crash` stops it as a kill would: what it does next reaches nobody. */
export class ToolNode {
  readonly journal = new MemoryJournal()
  readonly clock = new VirtualClock()
  readonly parts: ToolActorParts
  #system: ReturnType<typeof createActorSystem>
  #kind: ReturnType<typeof toolKind>
  readonly #refs = new Map<Address, Ref<Delivery>>()
  #envelopes = 0

  constructor(tool: Tool, over: Partial<ToolActorParts> = {}) {
    this.parts = { catalogue: toolCatalogue([tool]), policy: allowAll, clock: this.clock, ...over }
    this.#system = this.#boot()
    this.#kind = toolKind(this.parts)
  }

  #boot() {
    return createActorSystem({
      clock: this.clock,
      ids: countedIds(),
      log: silentLogger,
      metrics: new CountingMetrics(),
    })
  }

  tell(command: ToolCommand, id = `e-${this.#envelopes++}`, tenant = 'acme'): void {
    const to = command.kind === 'Invoke' ? address('tool', command.callId) : toolAddress
    const envelope: Envelope = {
      id,
      to,
      from: session,
      tenant,
      priority: 'normal',
      trace: {},
      sentAt: this.clock.now(),
      body: command,
    }
    this.#system.tell(this.activate(to), { envelope, position: { shard: 0, offset: 0 }, settle() {} })
  }

  activate(to = toolAddress): Ref<Delivery> {
    const active = this.#refs.get(to)
    if (active) return active
    const system = this.#system
    const recipe = journaledActor(this.#kind, {
      journal: this.journal,
      snapshots: { load: async () => undefined, save: async () => {}, remove: async () => {} },
      deadLetters: {
        park: async () => {},
        list: async () => [],
        get: async () => undefined,
        remove: async () => false,
      },
      tell: (ref, message, priority) => system.tell(ref, message, priority),
      epochOf: () => 1,
      relay: { offer() {} },
    })(to)
    const ref = system.spawn(undefined, to, recipe, { address: to })
    this.#refs.set(to, ref)
    return ref
  }

  async crash(): Promise<void> {
    await this.#system.shutdown()
    this.#refs.clear()
    this.#system = this.#boot()
    this.#kind = toolKind(this.parts)
  }

  stop(): Promise<void> {
    return this.#system.shutdown()
  }

  async outcome(): Promise<ToolOutcome> {
    await until(() => this.journal.sent.length > 0, 'a ToolReturned')
    await settled()
    expect(this.journal.sent, 'T3').to.have.length(1)
    const [sent] = this.journal.sent as [Envelope<{ outcome: ToolOutcome }>]
    expect(sent).to.deep.include({ to: session, from: toolAddress, tenant: 'acme' })
    return sent.body.outcome
  }

  get events(): string[] {
    return this.journal.kinds(toolAddress)
  }
}
