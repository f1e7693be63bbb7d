import { kindOf } from '../actors/kernel/address.ts'
import { type DeniedCall, deniedCall } from './denied-call.ts'
import { copyOf, type InMemoryStore } from './in-memory-store.ts'
import type { StoredEvent } from './journal.ts'
import type { RequeuedCall, RequeuedCalls, Resolution } from './requeued-calls.ts'

export class InMemoryRequeuedCalls implements RequeuedCalls {
  readonly #store: InMemoryStore
  readonly #resolutions = new Map<string, Resolution & { done: boolean }>()

  constructor(store: InMemoryStore) {
    this.#store = store
  }

  async list({ tenant, limit, before }: { tenant?: string; limit: number; before?: string }): Promise<RequeuedCall[]> {
    const all = this.#all().sort((a, b) => b.deniedAt - a.deniedAt || (a.callId < b.callId ? -1 : 1))
    const from = before === undefined ? 0 : all.findIndex(({ callId }) => callId === before) + 1
    if (before !== undefined && from === 0) return []
    return all
      .slice(from)
      .filter((call) => (tenant === undefined || call.tenant === tenant) && !call.resolution?.done)
      .slice(0, limit)
  }

  async get(callId: string): Promise<RequeuedCall | undefined> {
    return this.#all().find((call) => call.callId === callId)
  }

  async resolve(callId: string, resolution: Resolution): Promise<Resolution> {
    const stands = this.#resolutions.get(callId) ?? { ...resolution, done: false }
    this.#resolutions.set(callId, stands)
    const { done: _, ...first } = stands
    return first
  }

  async done(callId: string): Promise<void> {
    const resolution = this.#resolutions.get(callId)
    if (resolution) resolution.done = true
  }

  #all(): RequeuedCall[] {
    return [...this.#store.events]
      .filter(([address]) => kindOf(address) === 'tool')
      .flatMap(([, events]) => {
        const call = this.#denied(events)
        if (!call) return []
        const resolution = this.#resolutions.get(call.callId)
        return [{ ...call, ...(resolution && { resolution: { ...resolution } }) }]
      })
  }

  #denied(events: readonly StoredEvent[]): DeniedCall | undefined {
    const [accepted] = events
    const finished = events.find(({ kind }) => kind === 'InvocationFinished')
    return accepted && finished && deniedCall(copyOf(accepted.data), copyOf(finished.data), finished.at)
  }
}
