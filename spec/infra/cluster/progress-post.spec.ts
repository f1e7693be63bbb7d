import { expect } from 'chai'
import { address, shardOf } from '../../../actors/kernel/address.ts'
import { silentLogger } from '../../../actors/kernel/telemetry.ts'
import { ProgressPost } from '../../../infra/cluster/progress-post.ts'
import { NodeOutbound } from '../../../transports/kafka/node-outbound.ts'
import type { Frame, Peer } from '../../../transports/link/peer-talk.ts'
import type { ToolProgress } from '../../../transports/outbound.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const sessionId = '8c5f0000-0000-4000-8000-000000000001'
const shard = shardOf(address('session', sessionId))
const progress = (index: number): ToolProgress => ({
  ...{ sessionId, turnId: 't', callId: `${sessionId}/1.0`, tool: 'work', index, at: 0, text: 'half way' },
})

describe('progress of a tool, across a cluster', () => {
  it('goes to the owner of its session, who is looked up at most once in two seconds', async () => {
    const clock = new VirtualClock()
    const told: string[] = []
    let looks = 0
    let owner = 'node-1'
    const post = new ProgressPost({
      talk: { tell: ({ id }: Peer, frame: Frame) => told.push(`${id} ${frame.k}`) },
      epochs: {
        async list() {
          looks++
          return [{ kind: 'session' as const, shard, owner, epoch: 1 }]
        },
      },
      clock,
      log: silentLogger,
    })
    await Promise.all([post.send(progress(0)), post.send(progress(1))])
    owner = 'node-2'
    await post.send(progress(2))
    expect(looks).to.equal(1)
    clock.advance(2_000)
    await post.send(progress(3))
    expect(told).to.deep.equal(['node-1 report', 'node-1 report', 'node-1 report', 'node-2 report'])
  })

  it('G1: goes on from there to the gateways that watch the session, and to no other', () => {
    const told: string[] = []
    const outbound = new NodeOutbound({
      talk: { tell: ({ id }, frame) => told.push(`${id} ${frame.k}`) },
      publisher: { publish() {} },
      clock: new VirtualClock(),
      log: silentLogger,
    })
    outbound.watch([sessionId], { id: 'gateway-1' })
    outbound.watch(['8c5f0000-0000-4000-8000-000000000002'], { id: 'gateway-2' })
    outbound.progress(progress(0))
    outbound.close()
    expect(told).to.deep.equal(['gateway-1 progress'])
  })
})
