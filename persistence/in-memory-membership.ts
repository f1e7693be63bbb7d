import { EventEmitter } from 'node:events'
import { Failure } from '../actors/kernel/failure.ts'
import type { ClusterNode, Membership, NodeStatus } from './membership.ts'

type Joining = Pick<ClusterNode, 'name' | 'roles' | 'weight' | 'url'>

/** A cluster within one process, for specs: members share this object. */
export class InMemoryCluster {
  private readonly now: () => number
  private readonly leaseMs: number
  private readonly members = new Map<string, ClusterNode & { readonly renewedAt: number }>()
  private readonly signals = new EventEmitter()
  private joined = 0

  constructor(now: () => number, leaseMs: number) {
    this.now = now
    this.leaseMs = leaseMs
    this.signals.setMaxListeners(0)
  }

  join(joining: Joining): Membership {
    const taken = new Set([...this.members.values()].map(({ slot }) => slot))
    let slot = 0
    while (taken.has(slot)) slot++
    const id = `${joining.name}-${++this.joined}`
    const node = { id, slot, ...joining, startedAt: this.now() }
    const renew = (status: NodeStatus) => this.members.set(id, { ...node, ...status, renewedAt: this.now() })
    renew({ state: 'starting', detail: {} })
    const { signals } = this
    return {
      nodeId: id,
      slot,
      renew: async (status) => {
        if (!this.members.has(id)) throw new Failure('JOURNAL_UNAVAILABLE', 'this process is no member of the cluster')
        renew(status)
        return this.alive()
      },
      onSignal(listener) {
        signals.on('signal', (from: string) => {
          if (from !== id) listener()
        })
      },
      async signal() {
        signals.emit('signal', id)
      },
      leave: async () => {
        this.members.delete(id)
        signals.emit('signal', id)
      },
    }
  }

  /** As kill -9 does: gone at once, its slot free. */
  kill(nodeId: string): void {
    this.members.delete(nodeId)
  }

  private alive(): ClusterNode[] {
    return [...this.members.values()]
      .filter(({ renewedAt }) => renewedAt + this.leaseMs > this.now())
      .map(({ renewedAt, ...node }) => node)
      .sort((a, b) => a.slot - b.slot)
  }
}
