import type { ClusterNode } from '../../persistence/membership.ts'
import type { LinkAddress } from '../../transports/link/links.ts'

/** Who was alive at the last beat. */
export class Peers {
  private nodes: readonly ClusterNode[] = []

  seen(nodes: readonly ClusterNode[]): void {
    this.nodes = nodes
  }

  list(): readonly ClusterNode[] {
    return this.nodes
  }

  /** Where it is reached by the others. */
  linkOf(id: string): LinkAddress | undefined {
    const link = this.nodes.find((node) => node.id === id)?.detail.link
    return typeof link === 'object' ? (link as LinkAddress) : undefined
  }

  gateways(): readonly ClusterNode[] {
    return this.nodes.filter(({ roles }) => roles.includes('gateway'))
  }

  /** By id, or by the name that operators use. */
  find(idOrName: string): ClusterNode | undefined {
    return this.nodes.find(({ id }) => id === idOrName) ?? this.nodes.find(({ name }) => name === idOrName)
  }
}
