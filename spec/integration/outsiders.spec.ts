import { expect } from 'chai'
import { type Consumer, Kafka, logLevel, type Producer } from 'kafkajs'
import { address, shardOf } from '../../actors/kernel/address.ts'
import type { ServiceProcess } from '../../supervisors/drills/service-process.ts'
import { Cluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { describeWith } from '../support/test-services.ts'

const PATIENT_MS = 45_000

const slow = `
export default ({ z }) => ({
  name: 'slow', description: 'takes a moment', schema: z.object({}), idempotent: true, timeoutMs: 30000, reaches: [],
  async run(_, { signal }) {
    await new Promise((end) => { const timer = setTimeout(end, 3000); signal.addEventListener('abort', () => { clearTimeout(timer); end() }) })
    return 'done slowly'
  },
})
`

interface Answer {
  readonly event_id: string
  readonly session_id: string
  readonly metadata: Readonly<Record<string, unknown>>
}

/** A program of the old stack: it writes JSON to the public topics, and parses whatever it finds on tool.results. */
describeWith('kafka', 'an outsider on Kafka', (kafka) => {
  describeWith('postgres', 'on Postgres', (postgres) => {
    describeWith('redis', 'and Redis', (redis) => {
      let cluster: Cluster
      let producer: Producer
      let consumer: Consumer
      const read: Answer[] = []
      const unreadable: unknown[] = []

      before(async function () {
        this.timeout(120_000)
        cluster = await Cluster.start({ kafka, postgres, redis, tools: { slow } })
        const client = new Kafka({ clientId: 'outsider', brokers: kafka.split(','), logLevel: logLevel.NOTHING })
        producer = client.producer({ allowAutoTopicCreation: false })
        consumer = client.consumer({ groupId: `${cluster.topicPrefix}outsider`, maxWaitTimeInMs: 200 })
        await Promise.all([producer.connect(), consumer.connect()])
        await consumer.subscribe({ topic: `${cluster.topicPrefix}tool.results`, fromBeginning: true })
        await consumer.run({
          eachMessage: async ({ message: { value } }) => {
            try {
              read.push(JSON.parse(String(value)))
            } catch (error) {
              unreadable.push(error)
            }
          },
        })
      })
      after(async function () {
        this.timeout(60_000)
        await Promise.all([producer?.disconnect(), consumer?.disconnect()])
        await cluster?.release()
      })

      const ask = (request: object) =>
        producer.send({ topic: `${cluster.topicPrefix}tool.requests`, messages: [{ value: JSON.stringify(request) }] })
      const answersTo = (session: string) => read.filter(({ session_id }) => session_id === session)
      const answered = async (session: string, count = 1) => {
        await eventually(() => answersTo(session).length >= count, PATIENT_MS)
        return answersTo(session)
      }
      async function ownerOf(session: string): Promise<ServiceProcess> {
        const { shards } = (await cluster.request('GET', '/v1/admin/shards')).body
        const shard = shardOf(address('session', session))
        const owner = shards.find((it: { kind: string; shard: number }) => it.kind === 'session' && it.shard === shard)
        return cluster.nodes[owner.owner_name === 'node-1' ? 0 : 1] as ServiceProcess
      }
      const asking = (session_id: string, event_id: string, tool_name: string, args: object) => ({
        ...{ event_id, session_id, persona_id: null, tool_name, args },
        metadata: { tenant: 'local', correlation: event_id },
      })

      it('that asked on tool.requests reads the answer on tool.results as JSON, with the fields of the old contract, and nothing it cannot read', async function () {
        this.timeout(90_000)
        const session = '5b0e6a52-3c2e-4d6f-8a43-0d6f4a3f2a01'
        const request = asking(session, 'plain', 'echo', { text: 'hello' })
        await ask(request)
        await ask(request)
        const [answer] = await answered(session)
        expect(answer).to.deep.equal({
          event_id: answer?.event_id,
          session_id: session,
          persona_id: 'soma',
          tool_name: 'echo',
          status: 'success',
          payload: { output: 'hello' },
          metadata: {
            ...request.metadata,
            call_id: `${session}/plain`,
            request_event_id: 'plain',
          },
          execution_time: (answer as unknown as { execution_time: number }).execution_time,
        })
        await ask(asking(session, 'unknown-tool', 'nobody', {}))
        const [, failed] = await answered(session, 2)
        expect(failed).to.deep.include({ status: 'error', tool_name: 'nobody' })
        // A turn's own tool call is between nodes: nothing of it is here.
        const { session_id } = await cluster.say('turn', 'call echo {"text":"inside"}\nthen\nsay done')
        await eventually(async () => (await cluster.events(session_id)).some(({ type }) => type === 'assistant.final'))
        expect(answersTo(session), 'the request that came twice is one').to.have.length(2)
        expect(answersTo(session_id)).to.deep.equal([])
        expect(unreadable).to.deep.equal([])
        const { dead_letters } = (await cluster.request('GET', '/v1/admin/dead-letters')).body
        expect(dead_letters, 'the session does not take the answer for a result').to.deep.equal([])
      })

      it('whose message names a file that is not there leaves a word in the session, and a dead letter', async function () {
        this.timeout(90_000)
        const session_id = '5b0e6a52-3c2e-4d6f-8a43-0d6f4a3f2a03'
        const event = {
          event_id: 'with-file',
          session_id,
          persona_id: null,
          role: 'user',
          message: 'look',
          metadata: {},
        }
        const value = JSON.stringify({
          ...event,
          attachments: ['/v1/attachments/5b0e6a52-3c2e-4d6f-8a43-0d6f4a3f2aff'],
        })
        await producer.send({ topic: `${cluster.topicPrefix}conversation.inbound`, messages: [{ value }] })
        const finals = async () => (await cluster.events(session_id)).filter(({ type }) => type === 'assistant.final')
        await eventually(async () => (await finals()).length > 0, PATIENT_MS)
        const [final] = await finals()
        expect(final?.metadata).to.include({ turn_id: 'with-file', outcome: 'failed', code: 'ATTACHMENT_NOT_FOUND' })
        await eventually(async () => {
          const { dead_letters } = (await cluster.request('GET', '/v1/admin/dead-letters?limit=100')).body
          return dead_letters.some((it: { code: string }) => it.code === 'ATTACHMENT_NOT_FOUND')
        }, PATIENT_MS)
      })

      it('that asked on tool.requests reads one answer under one id, though its session is killed before the result and again after it', async function () {
        this.timeout(150_000)
        const session = '5b0e6a52-3c2e-4d6f-8a43-0d6f4a3f2a02'
        const request = asking(session, 'killed', 'slow', {})
        await ask(request)
        await eventually(
          async () => (await cluster.events(session)).some(({ type }) => type === 'tool.start'),
          PATIENT_MS,
        )
        const before = await ownerOf(session)
        await before.kill()
        const [answer] = await answered(session)
        expect(answer).to.deep.include({ status: 'success', payload: { output: 'done slowly' } })
        // What is published stands for a second before its time is stored, so the next owner publishes it again.
        const after = await ownerOf(session)
        await after.kill()
        await Promise.all([before, after].map((it) => it.start()))
        await Promise.all([before, after].map((it) => it.ready(60_000)))
        await ask(request)
        await ask(asking(session, 'next', 'echo', { text: 'after all' }))
        await eventually(
          () => answersTo(session).some(({ metadata }) => metadata.request_event_id === 'next'),
          PATIENT_MS,
        )
        const same = answersTo(session).filter(({ metadata }) => metadata.request_event_id === 'killed')
        expect(new Set(same.map((it) => JSON.stringify(it)))).to.have.length(1)
        expect(unreadable).to.deep.equal([])
      })
    })
  })
})
