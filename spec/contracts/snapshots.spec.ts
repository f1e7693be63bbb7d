import { expect } from 'chai'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { systemClock, systemIds } from '../../infra/clock.ts'
import { InMemorySnapshots } from '../../persistence/in-memory-snapshots.ts'
import { RedisSnapshots } from '../../persistence/redis-snapshots.ts'
import { freshSession } from '../support/given-append.ts'
import { describeWith } from '../support/test-services.ts'
import { snapshotsSuite } from './snapshots.ts'

describe('snapshots', () => {
  describe('in memory', () => {
    const snapshots = new InMemorySnapshots(silentLogger)
    snapshotsSuite(() => snapshots)

    it('stay within their bytes: the longest unused goes first', async () => {
      const small = new InMemorySnapshots(silentLogger, { maxBytes: 10_000 })
      const addresses = Array.from({ length: 20 }, freshSession)
      for (const address of addresses) await small.save(address, { seq: 1, version: 1, state: 'x'.repeat(1_000) })
      expect(await small.load(addresses[0] as never)).to.equal(undefined)
      expect(await small.load(addresses[19] as never)).to.include({ seq: 1 })
    })
  })

  describeWith('redis', 'on Redis', (url) => {
    let snapshots: RedisSnapshots
    before(async () => {
      snapshots = new RedisSnapshots({ url, clock: systemClock, log: silentLogger, prefix: `${systemIds.uuid()}:` })
      await snapshots.connected()
    })
    after(() => snapshots.close())
    snapshotsSuite(() => snapshots)

    it('are a miss when Redis holds rubbish', async () => {
      const prefix = `${systemIds.uuid()}:`
      const address = freshSession()
      const rubbish = new RedisSnapshots({ url, clock: systemClock, log: silentLogger, prefix })
      await rubbish.connected()
      await rubbish.save(address, 'not a snapshot' as never)
      expect(await rubbish.load(address)).to.equal(undefined)
      await rubbish.close()
    })
  })

  describe('on a Redis that is away', () => {
    it('miss at once, and never reject (I6)', async () => {
      const warned: string[] = []
      const log = { ...silentLogger, warn: (_: object, message: string) => warned.push(message) }
      // Port 1 of loopback: nothing listens there.
      const snapshots = new RedisSnapshots({ url: 'redis://127.0.0.1:1', clock: systemClock, log })
      const started = systemClock.now()
      const address = freshSession()
      for (let i = 0; i < 20; i++) {
        await snapshots.save(address, { seq: 1, version: 1, state: {} })
        expect(await snapshots.load(address)).to.equal(undefined)
        await snapshots.remove(address)
      }
      expect(systemClock.now() - started).to.be.below(2_000)
      expect(warned, 'said once, not sixty times').to.have.length(1)
      await snapshots.close()
    })
  })
})
