import { expect } from 'chai'
import { Redis } from 'ioredis'
import { Kafka, logLevel, type Message } from 'kafkajs'
import { address, shardOf } from '../../actors/kernel/address.ts'
import type { ServiceProcess } from '../../supervisors/drills/service-process.ts'
import { Cluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { SessionListener } from '../support/session-listener.ts'
import { describeWith, ownRedisDatabase } from '../support/test-services.ts'

const finals = (events: readonly { type: string }[]) => events.filter(({ type }) => type === 'assistant.final')

/** Two nodes and two gateways on real Kafka, Postgres and Redis, treated as an operator would never. */
describeWith('kafka', 'a cluster', (kafka) => {
  describeWith('postgres', 'on Postgres', (postgres) => {
    describeWith('redis', 'and Redis', (shared) => {
      const redisUrl = ownRedisDatabase(shared, 1)
      let cluster: Cluster

      before(async function () {
        this.timeout(90_000)
        cluster = await Cluster.start({ kafka, postgres, redis: redisUrl, gateways: 2 })
        await bothOwn()
      })
      after(async function () {
        this.timeout(60_000)
        await cluster?.release()
      })

      async function shards(): Promise<{ kind: string; shard: number; owner_name: string | null; epoch: number }[]> {
        return (await cluster.request('GET', '/v1/admin/shards')).body.shards
      }

      async function owners(): Promise<Record<string, number>> {
        const counts: Record<string, number> = {}
        for (const { kind, owner_name } of await shards()) {
          if (kind === 'session') counts[owner_name ?? 'nobody'] = (counts[owner_name ?? 'nobody'] ?? 0) + 1
        }
        return counts
      }

      function bothOwn(): Promise<void> {
        return eventually(async () => {
          const counts = await owners()
          return counts['node-1'] === 32 && counts['node-2'] === 32
        }, 30_000)
      }

      async function ownerOf(session: string): Promise<ServiceProcess> {
        const shard = shardOf(address('session', session))
        const owner = (await shards()).find((it) => it.kind === 'session' && it.shard === shard)?.owner_name
        return cluster.nodes[owner === 'node-1' ? 0 : 1] as ServiceProcess
      }

      /** Sessions of which each node owns some. */
      const many = (name: string) => Array.from({ length: 12 }, (_, n) => `${name}-${n}`)

      async function answered(session: string, turn: string, gateway = 0): Promise<{ message: string }> {
        await eventually(
          async () =>
            finals(await cluster.events(session, gateway)).some(
              (it) => (it as never as Final).metadata.turn_id === turn,
            ),
          15_000,
        )
        const found = finals(await cluster.events(session, gateway)) as never as Final[]
        const mine = found.filter((it) => it.metadata.turn_id === turn)
        expect(mine, 'one final for one turn').to.have.length(1)
        return mine[0] as Final
      }

      it('answers through either gateway, and one session on both at once', async () => {
        const { session_id, event_id } = await cluster.say('both', 'stream 5 20 one two three four five')
        const here = await SessionListener.open(cluster.url(0), session_id)
        const there = await SessionListener.open(cluster.url(1), session_id)
        for (const listener of [here, there]) {
          const { event } = await listener.final(event_id)
          expect(event.message).to.equal('one two three four five')
          listener.close()
        }
        const again = await cluster.say('both', 'say from the other side', {}, 1)
        expect(again.session_id).to.equal(session_id)
        expect((await answered(session_id, again.event_id)).message).to.equal('from the other side')
      })

      it('shows live text at a gateway before the answer is journaled', async () => {
        const opened = await cluster.say('live', 'say hello')
        await answered(opened.session_id, opened.event_id)
        const listener = await SessionListener.open(cluster.url(1), opened.session_id)
        const { event_id } = await cluster.say('live', 'stream 20 20 a b c d e f g h i j k l m n o p q r s t')
        await listener.final(event_id)
        const previews = listener.heard.filter(
          ({ event }) => event.type === 'assistant.stream' && event.metadata.turn_id === event_id,
        )
        expect(previews.length).to.be.greaterThan(5)
        listener.close()
      })

      it('runs tools wherever their shard is owned', async () => {
        const turns = await Promise.all(
          many('tools').map((name) => cluster.say(name, `call echo {"text":"${name}"}\nthen\nsay done ${name}`)),
        )
        for (const [n, { session_id, event_id }] of turns.entries()) {
          expect((await answered(session_id, event_id)).message).to.equal(`done tools-${n}`)
        }
      })

      it('takes JSON from the public topic, and publishes every event on conversation.outbound', async () => {
        const client = new Kafka({ clientId: 'outsider', brokers: kafka.split(','), logLevel: logLevel.NOTHING })
        const session_id = '7c0c3d0e-52f5-4a1e-9d7a-0d6f4a3f1c11'
        const producer = client.producer()
        await producer.connect()
        const put = (message: Message) =>
          producer.send({ topic: `${cluster.topicPrefix}conversation.inbound`, messages: [message] })
        const event = { event_id: 'from-outside', session_id, role: 'user', message: 'say heard', metadata: {} }
        // Without a key it lands anywhere; twice, it is one message.
        await put({ value: JSON.stringify(event) })
        await put({ value: JSON.stringify(event), partition: 3 })
        await put({ value: '{"event_id": "broken"', partition: 5 })
        await producer.disconnect()
        expect((await answered(session_id, 'from-outside')).message).to.equal('heard')
        expect(finals(await cluster.events(session_id))).to.have.length(1)

        const outbound = await consumed(client, `${cluster.topicPrefix}conversation.outbound`, (found) =>
          found.some((it) => it.session_id === session_id && it.type === 'assistant.final'),
        )
        const ids = new Set(outbound.filter((it) => it.session_id === session_id).map((it) => it.event_id))
        const journaled = (await cluster.events(session_id)) as never as { event_id: string }[]
        expect([...ids]).to.have.members(journaled.map(({ event_id }) => event_id))

        const [letter] = await consumed(client, `${cluster.topicPrefix}conversation.inbound.dlq`, (it) => it.length > 0)
        expect(letter).to.include({
          original_event: '{"event_id": "broken"',
          source_topic: 'conversation.inbound',
          error_type: 'MALFORMED_MESSAGE',
          error_message: 'the value is not JSON',
        })
        const { body } = await cluster.request('GET', '/v1/admin/dead-letters')
        expect(body.dead_letters[0]).to.include({ code: 'MALFORMED_MESSAGE' })
      })

      it('keeps persona and budget of a session born at a gateway, when its first words come another way', async () => {
        const { session_id, event_id } = await cluster.say('born', 'say hi', {
          persona_id: 'analyst',
          metadata: { budget: '7' },
        })
        await answered(session_id, event_id)
        const acted = await cluster.request(
          'POST',
          '/v1/session/action',
          { session_id, action: 'summarize', metadata: {} },
          1,
        )
        await answered(session_id, acted.body.event_id, 1)
        const { body } = await cluster.request('GET', `/v1/sessions/${session_id}`, undefined, 1)
        expect(body).to.deep.include({ persona_id: 'analyst', tenant: 'local' })
        expect(body.metadata).to.include({ budget: '7' })
      })

      it('debugs a session wherever it runs: step mode over a kill, injection with who and why, dry run', async function () {
        this.timeout(60_000)
        const why = 'ticket 4711'
        const { session_id, event_id } = await cluster.say('debugged', 'say born')
        await answered(session_id, event_id)
        const at = (what: string) => `/v1/sessions/${session_id}/${what}`
        const pending = async () => (await cluster.request('GET', at('pending'), undefined, 1)).body.pending
        await cluster.request('POST', at('step-mode'), { on: true, why })
        const turn = await cluster.say('debugged', 'say as asked', {}, 1)
        await eventually(async () => (await pending()) !== null)
        const held = await pending()
        const owner = await ownerOf(session_id)
        await owner.kill()
        owner.start()
        await eventually(async () => JSON.stringify(await pending()) === JSON.stringify(held))
        const { position } = held.messages.at(-1)
        const edited = { hold: held.hold, position, content: 'say as edited', why }
        expect((await cluster.request('PUT', at('pending'), edited, 1)).status).to.equal(200)
        expect((await cluster.request('POST', at('step'), { hold: held.hold })).status).to.equal(200)
        expect((await answered(session_id, turn.event_id)).message).to.equal('as edited')
        await cluster.request('POST', at('step-mode'), { on: false, why })
        // Accepted is not journaled yet.
        const isOff = ({ type, metadata }: { type: string; metadata: Record<string, unknown> }) =>
          type === 'session.step_mode' && metadata.on === false
        await eventually(async () => (await cluster.events(session_id)).some(isOff))

        const before = await cluster.events(session_id)
        const words = { role: 'user', content: 'say what if' }
        const tried = await cluster.request('POST', at('dry-run'), { inject: { ...words, why } }, 1)
        expect(tried.status, JSON.stringify(tried.body)).to.equal(200)
        expect(JSON.stringify(tried.body)).to.include('what if')
        expect(await cluster.events(session_id), 'a dry run touches nothing').to.deep.equal(before)

        const injected = await cluster.request('POST', at('inject'), { ...words, why }, 1)
        expect((await answered(session_id, injected.body.event_id)).message).to.equal('what if')
        const marked = (await cluster.events(session_id)).find(
          ({ type, message }) => type === 'user.message' && message === words.content,
        )
        expect(marked?.metadata.metadata).to.deep.include({ injected: { by: 'operator', why } })
        await owner.ready(30_000)
        await bothOwn()
      })

      it('goes on within seconds when a node is killed, and again when Redis is flushed', async function () {
        this.timeout(60_000)
        const turns = await Promise.all(many('killed').map((name) => cluster.say(name, `stream 10 100 ${name} speaks`)))
        const redis = new Redis(redisUrl)
        const from = performance.now()
        await Promise.all([cluster.nodes[0]?.kill(), redis.flushdb()])
        redis.disconnect()
        for (const [n, { session_id, event_id }] of turns.entries()) {
          expect((await answered(session_id, event_id)).message).to.equal(`killed-${n} speaks`)
        }
        expect(performance.now() - from).to.be.below(15_000)
        expect(await owners()).to.deep.equal({ 'node-2': 64 })
        cluster.nodes[0]?.start()
        await cluster.nodes[0]?.ready(30_000)
        await bothOwn()
      })

      it('lets a frozen node write nothing when it wakes (I2)', async function () {
        this.timeout(60_000)
        const before = new Map((await shards()).map((it) => [`${it.kind}/${it.shard}`, it]))
        const turns = await Promise.all(many('zombie').map((name) => cluster.say(name, `stream 10 300 ${name} speaks`)))
        const frozen = await cluster.request('POST', '/v1/admin/nodes/node-1/order', { order: 'freeze', ms: 10_000 })
        expect(frozen.status).to.equal(200)
        for (const { session_id, event_id } of turns) await answered(session_id, event_id)
        const taken = (await shards()).filter((it) => before.get(`${it.kind}/${it.shard}`)?.owner_name === 'node-1')
        for (const it of taken)
          expect(it.epoch).to.be.greaterThan(before.get(`${it.kind}/${it.shard}`)?.epoch as number)
        const asleep = await Promise.all(turns.map(({ session_id }) => cluster.events(session_id)))
        // It wakes, finds out, and shares again; nothing was added to what was there while it slept.
        await bothOwn()
        const awake = await Promise.all(turns.map(({ session_id }) => cluster.events(session_id)))
        expect(awake).to.deep.equal(asleep)
      })

      it('hands over on SIGTERM without an unanswered turn or a gap in a stream', async function () {
        this.timeout(60_000)
        const opened = await Promise.all(many('rolling').map((name) => cluster.say(name, 'say ready')))
        const listeners = await Promise.all(
          opened.map(({ session_id }) => SessionListener.open(cluster.url(1), session_id)),
        )
        for (const [n, { event_id }] of opened.entries()) await listeners[n]?.final(event_id)
        const turns = await Promise.all(many('rolling').map((name) => cluster.say(name, `stream 10 50 ${name} speaks`)))
        expect(await cluster.nodes[1]?.stop()).to.equal(0)
        for (const [n, { event_id }] of turns.entries()) {
          const listener = listeners[n] as SessionListener
          expect((await listener.final(event_id)).event.message).to.equal(`rolling-${n} speaks`)
          const seqs = listener.events.map(({ seq }) => seq)
          expect(seqs, 'every event once, in order').to.deep.equal(seqs.map((_seq, index) => index + 1))
          listener.close()
        }
        cluster.nodes[1]?.start()
        await cluster.nodes[1]?.ready(30_000)
        await bothOwn()
      })

      it('drains a node by command, and shows nodes, shards and the tree of all', async function () {
        this.timeout(60_000)
        const drained = await cluster.soma(['drain', 'node-2'], 1)
        expect(drained).to.include({ code: 0 })
        await eventually(async () => (await owners())['node-1'] === 64)
        const nodes = await cluster.soma(['nodes'])
        expect(nodes.stdout).to.match(/node-2 .*draining/)
        expect((await cluster.soma(['shards'])).stdout).to.match(/session +0 +node-1/)
        const { body } = await cluster.request('GET', '/v1/admin/tree', undefined, 1)
        expect(body.tree.map(({ path }: { path: string }) => path)).to.have.members(['node-1', 'node-2'])
        const unknown = await cluster.soma(['drain', 'node-9'])
        expect(unknown.code).not.to.equal(0)
        expect(unknown.stderr).to.include('NODE_NOT_FOUND').and.include('soma nodes')
      })
    })
  })
})

interface Final {
  readonly message: string
  readonly metadata: { readonly turn_id: string }
}

// biome-ignore lint/suspicious/noExplicitAny: messages as outsiders see them.
async function consumed(client: Kafka, topic: string, enough: (found: any[]) => boolean): Promise<any[]> {
  const consumer = client.consumer({ groupId: `spec-${topic}`, maxWaitTimeInMs: 200 })
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  const found: any[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      found.push(JSON.parse(String(message.value)))
    },
  })
  try {
    await eventually(() => enough(found), 15_000)
  } finally {
    await consumer.disconnect()
  }
  return found
}
