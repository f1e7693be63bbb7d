import type { ClusterNode } from '../../persistence/membership.ts'

/** Who was alive at the last beat. */
export class Peers {
  private nodes: readonly ClusterNode[] = []

  seen(nodes: readonly ClusterNode[]): void {
    this.nodes = nodes
  }

  list(): readonly ClusterNode[] {
    return this.nodes
  }

  gateways(): readonly ClusterNode[] {
    return this.nodes.filter(({ roles }) => roles.includes('gateway'))
  }

  /** By id, or by the name that operators use. */
  find(idOrName: string): ClusterNode | undefined {
    return this.nodes.find(({ id }) => id === idOrName) ?? this.nodes.find(({ name }) => name === idOrName)
  }
}
