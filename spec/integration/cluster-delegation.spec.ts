import { expect } from 'chai'
import { Kafka, logLevel } from 'kafkajs'
import { address, shardOf } from '../../actors/kernel/address.ts'
import type { ServiceProcess } from '../../supervisors/drills/service-process.ts'
import { Cluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { describeWith } from '../support/test-services.ts'

interface Told {
  readonly type: string
  readonly message: string
  readonly metadata: Readonly<Record<string, unknown>>
}

const PATIENT_MS = 45_000

/** Two nodes on real Kafka, Postgres and Redis: parent, call and child are wherever their shards are, and nodes are killed. */
describeWith('kafka', 'delegation on a cluster', (kafka) => {
  describeWith('postgres', 'on Postgres', (postgres) => {
    describeWith('redis', 'and Redis', (redis) => {
      let cluster: Cluster

      before(async function () {
        this.timeout(120_000)
        cluster = await Cluster.start({ kafka, postgres, redis })
      })
      after(async function () {
        this.timeout(60_000)
        await cluster?.release()
      })

      const typesOf = async (session: string, type: string) =>
        ((await cluster.events(session)) as unknown as Told[]).filter((it) => it.type === type)
      const has = (session: string, type: string) =>
        eventually(async () => (await typesOf(session, type)).length > 0, PATIENT_MS)
      const childOf = async (session: string) => {
        await has(session, 'tool.start')
        return (await typesOf(session, 'tool.start'))[0]?.metadata.child_session_id as string
      }
      async function ownerOf(kind: 'session' | 'tool', id: string): Promise<ServiceProcess> {
        const shard = shardOf(address(kind, id))
        const owner = async () => {
          const { shards } = (await cluster.request('GET', '/v1/admin/shards')).body
          return shards.find((it: { kind: string; shard: number }) => it.kind === kind && it.shard === shard)
            ?.owner_name
        }
        await eventually(async () => (await owner()) != null, PATIENT_MS)
        return cluster.nodes[(await owner()) === 'node-1' ? 0 : 1] as ServiceProcess
      }

      for (const victim of ['the parent', 'the call', 'the child'] as const) {
        it(`is done once, and goes on, when the node of ${victim} is killed while the child works`, async function () {
          this.timeout(150_000)
          const task = 'stream 40 50 done on the cluster'
          const { session_id } = await cluster.say(`of ${victim}`, `call delegate ${JSON.stringify({ task })}`)
          const child = await childOf(session_id)
          await has(child, 'assistant.started')
          const callId = (await typesOf(session_id, 'tool.start'))[0]?.metadata.call_id as string
          const node =
            victim === 'the call'
              ? await ownerOf('tool', callId)
              : await ownerOf('session', victim === 'the parent' ? session_id : child)
          await node.kill()
          await has(session_id, 'assistant.final')
          await node.start()
          await node.ready(60_000)
          const results = await typesOf(session_id, 'tool.result')
          expect(results.map(({ message, metadata }) => [metadata.status, message])).to.deep.equal([
            ['success', 'done on the cluster'],
          ])
          expect(await typesOf(child, 'user.message')).to.have.length(1)
          expect(await typesOf(child, 'assistant.final')).to.have.length(1)
          expect(await typesOf(session_id, 'assistant.final')).to.have.length(1)
        })
      }

      it('takes tasks from somastack.delegation, each once, and keeps what is none as a dead letter', async function () {
        this.timeout(90_000)
        const client = new Kafka({ brokers: kafka.split(','), logLevel: logLevel.NOTHING })
        const producer = client.producer({ allowAutoTopicCreation: false })
        await producer.connect()
        const value = JSON.stringify({ task_id: 'from-kafka', payload: { task: 'say from a topic' } })
        const topic = `${cluster.topicPrefix}somastack.delegation`
        await producer.send({ topic, messages: [{ value }, { value }, { value: '{"task_id":"odd"}' }] })
        await producer.disconnect()
        const task = async () => (await cluster.request('GET', '/v1/delegation/task/from-kafka')).body
        await eventually(async () => (await task()).status === 'completed', PATIENT_MS)
        const { result, session_id } = await task()
        expect(result).to.equal('from a topic')
        expect(await typesOf(session_id, 'user.message')).to.have.length(1)
        await eventually(async () => {
          const { dead_letters } = (await cluster.request('GET', '/v1/admin/dead-letters?limit=100')).body
          return dead_letters.some((it: { source_topic: string }) => it.source_topic === 'somastack.delegation')
        }, PATIENT_MS)
      })

      it('a timer is told by whoever owns its session’s shard when it is due', async function () {
        this.timeout(120_000)
        const when = new Date(Date.now() + 15_000).toISOString()
        const { session_id } = await cluster.say(
          'moved',
          `call schedule ${JSON.stringify({ when, message: 'say rang' })}`,
        )
        await has(session_id, 'timer.set')
        const node = await ownerOf('session', session_id)
        await node.kill()
        await has(session_id, 'timer.fired')
        await eventually(
          async () => (await typesOf(session_id, 'assistant.final')).some(({ message }) => message === 'rang'),
          PATIENT_MS,
        )
        expect(await typesOf(session_id, 'timer.fired')).to.have.length(1)
        await node.start()
        await node.ready(60_000)
      })
    })
  })
})
