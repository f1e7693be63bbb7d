import { expect } from 'chai'
import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { systemClock, systemIds } from '../../infra/clock.ts'
import { InMemorySnapshots } from '../../persistence/in-memory-snapshots.ts'
import { RedisCache } from '../../persistence/redis-cache.ts'
import { RedisSessionBirths } from '../../persistence/redis-session-births.ts'
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
    let cache: RedisCache
    const open = () => new RedisSnapshots({ cache, prefix: `${systemIds.uuid()}:` })
    let snapshots: RedisSnapshots
    before(async () => {
      cache = new RedisCache({ url, clock: systemClock, log: silentLogger })
      await cache.connected()
      snapshots = open()
    })
    after(() => cache.close())
    snapshotsSuite(() => snapshots)

    it('are a miss when Redis holds rubbish', async () => {
      const address = freshSession()
      await snapshots.save(address, 'not a snapshot' as never)
      expect(await snapshots.load(address)).to.equal(undefined)
    })

    it('are those of their installation alone, whoever shares the Redis', async () => {
      const address = freshSession()
      await snapshots.save(address, { seq: 7, version: 1, state: {} })
      expect(await open().load(address)).to.equal(undefined)
    })

    it('stand beside what a gateway tells of a newborn session, in the old stack’s key and form', async () => {
      const births = new RedisSessionBirths(cache, 60)
      const id = systemIds.uuid()
      expect(await births.load(id)).to.equal(undefined)
      await births.save(id, { personaId: 'analyst', metadata: { budget: 5 } })
      const stored = await cache.tried('load', (redis) => redis.get(`session:${id}:meta`))
      expect(JSON.parse(String(stored))).to.deep.equal({ persona_id: 'analyst', metadata: { budget: 5 } })
      expect(await births.load(id)).to.deep.equal({ personaId: 'analyst', metadata: { budget: 5 } })
      await cache.tried('save', (redis) => redis.set(`session:${id}:meta`, 'rubbish', 'EX', 60))
      expect(await births.load(id)).to.equal(undefined)
    })
  })

  describe('on a Redis that is away', () => {
    it('miss at once, and never reject (I6)', async () => {
      const warned: string[] = []
      const log = { ...silentLogger, warn: (_: object, message: string) => warned.push(message) }
      // Port 1 of loopback: nothing listens there.
      const cache = new RedisCache({ url: 'redis://127.0.0.1:1', clock: systemClock, log })
      const snapshots = new RedisSnapshots({ cache, prefix: 'spec:' })
      const started = systemClock.now()
      const address = freshSession()
      for (let i = 0; i < 20; i++) {
        await snapshots.save(address, { seq: 1, version: 1, state: {} })
        expect(await snapshots.load(address)).to.equal(undefined)
        await snapshots.remove(address)
      }
      expect(systemClock.now() - started).to.be.below(2_000)
      expect(warned, 'said once, not sixty times').to.have.length(1)
      await cache.close()
    })
  })
})
