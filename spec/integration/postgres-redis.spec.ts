import { expect } from 'chai'
import { Redis } from 'ioredis'
import { Service } from '../support/service.ts'
import { SessionListener } from '../support/session-listener.ts'
import { describeWith, freshDatabase, ownRedisDatabase } from '../support/test-services.ts'

/** The same process with its journal on a real Postgres and its snapshots on a real Redis. */
describeWith('postgres', 'one process on Postgres', (server) => {
  describeWith('redis', 'and Redis', (shared) => {
    const redisUrl = ownRedisDatabase(shared, 2)
    let database: Awaited<ReturnType<typeof freshDatabase>>
    let service: Service

    before(async () => {
      database = await freshDatabase(server)
      service = await Service.start({ env: { POSTGRES_DSN: database.dsn, REDIS_URL: redisUrl } })
    })
    after(async () => {
      await service?.release()
      await database?.drop()
    })

    it('goes on after kill -9 and after Redis was flushed (I1, I6)', async () => {
      const { session_id, event_id } = await service.say('kept', 'call echo {"text":"one"}\nthen\nsay first')
      const listener = await SessionListener.open(service.url, session_id)
      await listener.final(event_id)
      const open = await service.say('kept', 'stream 40 50 the second, interrupted')
      await listener.until(
        ({ type, metadata }) => type === 'assistant.stream' && metadata.turn_id === open.event_id,
        'text',
      )
      await service.kill()
      const redis = new Redis(redisUrl)
      await redis.flushdb()
      redis.disconnect()
      await service.start()
      const rest = await SessionListener.open(service.url, session_id)
      const { event } = await rest.final(open.event_id)
      rest.close()
      expect(event.message).to.equal('the second, interrupted')
      const seqs = rest.events.map(({ seq }) => seq)
      expect(seqs).to.deep.equal(seqs.map((_seq, index) => index + 1))
      expect(rest.types.filter((type) => type === 'assistant.final')).to.have.length(2)
    })

    it('refuses a second process on the same database', async () => {
      const second = await Service.start({ env: { POSTGRES_DSN: database.dsn } }).catch((error) => error as Error)
      expect(String(second)).to.include('DATABASE_IN_USE')
      const { event_id, session_id } = await service.say('kept', 'say still the one')
      const listener = await SessionListener.open(service.url, session_id)
      await listener.final(event_id)
      listener.close()
    })
  })
})
