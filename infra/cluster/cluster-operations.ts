import { type ActorKind, type Address, kindOf, shardOf } from '../../actors/kernel/address.ts'
import type { ClusterOperations, NodeView } from '../../actors/kernel/cluster.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { Operations } from '../../actors/kernel/region.ts'
import { type ToolStanding, together } from '../../actors/kernel/tool-standing.ts'
import type { Epochs } from '../../persistence/epochs.ts'
import type { ClusterNode } from '../../persistence/membership.ts'
import type { PeerTalk } from '../../transports/link/peer-talk.ts'
import { actorKindsHere } from '../wire.ts'
import type { Questions } from './node-answers.ts'
import type { Peers } from './peers.ts'

const ASK_MS = 5_000
const TOOLS_MS = 1_000
/** A drain lets actors finish. */
const DRAIN_MS = 60_000

export interface ClusterOperationsParts {
  readonly peers: Peers
  readonly epochs: Pick<Epochs, 'list'>
  readonly talk: Pick<PeerTalk, 'ask'>
  readonly isQuarantined: (address: Address) => boolean
  readonly replayDeadLetter: Operations['replayDeadLetter']
}

/** What the gateway's operators see and do, whichever process it concerns. */
export function clusterOperations(parts: ClusterOperationsParts): Operations & { readonly cluster: ClusterOperations } {
  const { peers, epochs, talk } = parts

  const ask = <Op extends keyof Questions, Answer>(node: ClusterNode, op: Op, args: Questions[Op], ms = ASK_MS) =>
    talk.ask<Answer>(node, { op, args }, ms)

  const named = (idOrName: string): ClusterNode => {
    const node = peers.find(idOrName)
    if (node === undefined) throw new Failure('NODE_NOT_FOUND', `There is no process ${idOrName} in the cluster.`)
    return node
  }

  return {
    async tree() {
      const nodes = peers.list().filter(({ roles }) => roles.some((role) => role !== 'gateway'))
      const trees = await Promise.all(
        nodes.map(async (node) => {
          // One that does not answer is shown as what it is, and does not hide the others.
          const children = await ask<'tree', Awaited<ReturnType<Operations['tree']>>>(node, 'tree', undefined).catch(
            () => undefined,
          )
          return {
            path: node.name,
            type: 'node',
            state: children === undefined ? ('stopping' as const) : ('running' as const),
            mailbox: 0,
            restarts: 0,
            children: children ?? [],
          }
        }),
      )
      return trees
    },
    isQuarantined: parts.isQuarantined,
    async resume(address, how) {
      const owner = (await epochs.list(kindOf(address))).find(({ shard }) => shard === shardOf(address))?.owner
      const node = owner ? peers.find(owner) : undefined
      if (node === undefined) {
        throw new Failure('NODE_UNREACHABLE', `no node owns ${address} at the moment`, { retryAfter: 1 })
      }
      return ask<'resume', boolean>(node, 'resume', { address, how })
    },
    replayDeadLetter: parts.replayDeadLetter,
    async tools(tenant) {
      const nodes = peers.list().filter(({ roles }) => roles.includes('tool'))
      const asked = nodes.map((node) =>
        // What a node that does not answer would have told is missing, and does not hide the others.
        ask<'tools', ToolStanding[]>(node, 'tools', { tenant }, TOOLS_MS).catch(() => []),
      )
      return together(await Promise.all(asked))
    },
    cluster: {
      nodes: async () => peers.list().map(viewOf),
      async shards() {
        const leases = (await Promise.all(actorKindsHere.map((kind) => epochs.list(kind)))).flat()
        return leases.map(({ kind, shard, owner, epoch }) => {
          const node = peers.find(owner)
          return { kind, shard, epoch, owner: node?.id ?? null, ownerName: node?.name ?? null }
        })
      },
      async drain(nodeId) {
        await ask(named(nodeId), 'drain', undefined, DRAIN_MS)
      },
      async order(nodeId, order) {
        await ask(named(nodeId), 'order', order)
      },
    },
  }
}

export interface NodeDetail {
  readonly pid: number
  readonly shards: Readonly<Partial<Record<ActorKind, number>>>
  readonly lag: Readonly<Record<string, number>>
}

function viewOf({ detail, ...node }: ClusterNode): NodeView {
  const { pid = 0, shards = {}, lag = {} } = detail as Partial<NodeDetail>
  return { ...node, pid, shards, lag }
}
