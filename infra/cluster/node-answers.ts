import { spawn } from 'node:child_process'
import type { Address } from '../../actors/kernel/address.ts'
import type { NodeOrder } from '../../actors/kernel/cluster.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { Operations, ResumeHow } from '../../actors/kernel/region.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { ShardOwnership } from '../../supervisors/shard-ownership.ts'
import type { Question } from '../../transports/link/peer-talk.ts'
import type { SloSample } from '../telemetry/slo-sample.ts'

/** What processes ask each other (cluster-operations.ts asks, node-answers.ts answers). */
export interface Questions {
  tree: undefined
  resume: { readonly address: Address; readonly how: ResumeHow }
  drain: undefined
  order: NodeOrder
  sample: undefined
}

/** How this process answers. A gateway has no actors, and answers for itself alone. */
export function nodeAnswers(parts: {
  readonly operations: Pick<Operations, 'tree' | 'resume'> | undefined
  readonly ownership: () => Pick<ShardOwnership, 'drain'>
  readonly sample: () => Promise<SloSample>
  readonly log: Logger
}): (question: Question) => Promise<unknown> {
  return async ({ op, args }) => {
    switch (op as keyof Questions) {
      case 'tree':
        return parts.operations?.tree() ?? []
      case 'resume': {
        const { address, how } = args as Questions['resume']
        return parts.operations?.resume(address, how) ?? false
      }
      case 'sample':
        return parts.sample()
      case 'drain':
        if (parts.operations === undefined) throw new Failure('INVALID_REQUEST', 'a gateway owns no shard to hand over')
        await parts.ownership().drain()
        return true
      case 'order':
        carryOut(args as NodeOrder, parts.log)
        return true
      default:
        throw new Failure('INVALID_REQUEST', `this process does not know the question "${op}"`)
    }
  }
}

/** After the answer is on its way. */
const GRACE_MS = 50

function carryOut(order: NodeOrder, log: Logger): void {
  log.warn({ order }, 'ordered by an operator')
  if (order.order === 'die') {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS)
    return
  }
  // Who stands still cannot wake itself.
  const seconds = order.ms / 1_000
  const script = `sleep ${GRACE_MS / 1_000}; kill -STOP ${process.pid}; sleep ${seconds}; kill -CONT ${process.pid}`
  spawn('sh', ['-c', script], { detached: true, stdio: 'ignore' }).unref()
}
