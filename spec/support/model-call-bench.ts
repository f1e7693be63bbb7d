import { expect } from 'chai'
import { askFor, type CallRig, clientAt, eventually, type HeardAnswer, hear, signal } from './model-calls.ts'
import { type ModelServer, type Reply, startModelServer } from './model-server.ts'
import { VirtualClock } from './virtual-clock.ts'

export const KEY = 'sk-live-0123456789abcdef'

/** One server, one client, time by hand; fresh for each promise, and nothing may be left of it afterwards. */
export interface CallBench {
  clock: VirtualClock
  server: ModelServer
  rig: CallRig
  call(replies: Reply[], over?: Parameters<typeof clientAt>[1], deadlineMs?: number): Promise<HeardAnswer>
  /** Moves time on whenever the call waits before its next request, and notes how long. */
  afterWaits(requests: number, waits: number[]): Promise<void>
}

export function callBench(): CallBench {
  const bench: CallBench = {
    clock: undefined as never,
    server: undefined as never,
    rig: undefined as never,

    async call(replies, over = {}, deadlineMs = 600_000) {
      bench.server = await startModelServer(replies)
      bench.rig = clientAt(bench.server.url, { clock: bench.clock, apiKey: KEY, ...over })
      return hear(bench.rig.client.stream(askFor('hi', { deadline: bench.clock.now() + deadlineMs }), signal))
    },

    async afterWaits(requests, waits) {
      for (let n = 1; n < requests; n++) {
        // Deadline and silence have timers of their own while a request is out; a wait is the only one in between.
        await eventually(() => bench.server?.requests.length === n && bench.clock.pending === 1)
        waits.push(bench.clock.nextIn ?? 0)
        bench.clock.advance(bench.clock.nextIn ?? 0)
      }
    },
  }

  beforeEach(() => {
    bench.clock = new VirtualClock()
    bench.server = undefined as never
  })

  afterEach(async () => {
    await bench.rig.close()
    await bench.server.close()
    expect(bench.clock.pending, 'timers left behind').to.equal(0)
  })

  return bench
}
