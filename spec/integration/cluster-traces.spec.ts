import { join } from 'node:path'
import { expect } from 'chai'
import { systemIds } from '../../infra/clock.ts'
import { freePort, ServiceProcess } from '../../supervisors/drills/service-process.ts'
import { describeNeeding } from '../support/needs.ts'
import { ScratchFolder } from '../support/scratch-folder.ts'
import { somaMain } from '../support/service.ts'
import { SessionListener } from '../support/session-listener.ts'
import { describeWith, freshDatabase } from '../support/test-services.ts'
import { TraceCollector } from '../support/trace-collector.ts'

const how = 'node infra/stack.mjs run -- npm test sets it'
const traceId = 'f'.repeat(32)

describeNeeding('SOMA_TEST_KAFKA', how, 'on Kafka', (brokers) => {
  describeWith('postgres', 'telemetry of a gateway and a node', (dsn) => {
    const folder = new ScratchFolder()
    let collector: TraceCollector
    let database: Awaited<ReturnType<typeof freshDatabase>>
    let gateway: ServiceProcess
    let node: ServiceProcess
    const processes: ServiceProcess[] = []

    async function start(command: 'gateway' | 'node'): Promise<ServiceProcess> {
      const env = {
        SOMA_DATA_DIR: join(folder.path, command),
        SOMA_MODEL: 'rehearsal/script',
        SOMA_POLICY_FILE: folder.write('policy.yaml', "rules: [{ effect: allow, tool: '*' }]\n"),
        SOMA_NODE_NAME: command,
        SOMA_TOPIC_PREFIX: prefix,
        KAFKA_BOOTSTRAP_SERVERS: brokers,
        POSTGRES_DSN: database.dsn,
        OTLP_ENDPOINT: collector.endpoint,
      }
      const log = join(folder.path, `${command}.log`)
      const service = new ServiceProcess({ program: [somaMain, command], port: await freePort(), env, log })
      processes.push(service)
      service.start()
      return service
    }

    /** The first process makes the topics; on a busy machine their leaders may come too late for it, and it is started again. */
    async function readyAtLast(service: ServiceProcess): Promise<void> {
      try {
        await service.ready(40_000)
      } catch {
        await service.kill()
        service.start()
        await service.ready(40_000)
      }
    }

    const prefix = `t${systemIds.uuid().slice(0, 8)}.`

    before(async function () {
      this.timeout(180_000)
      collector = await TraceCollector.start()
      database = await freshDatabase(dsn)
      node = await start('node')
      await readyAtLast(node)
      gateway = await start('gateway')
      await readyAtLast(gateway)
    })
    after(async function () {
      this.timeout(60_000)
      for (const service of processes) await service.release()
      await database?.drop()
      await collector?.close()
      folder.remove()
    })

    it('is one trace through both processes, with every span caused by another', async function () {
      this.timeout(90_000)
      const message = 'call echo {"text":"hi"}\nthen\nsay done'
      const answer = await fetch(`${gateway.url}/v1/session/message`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', traceparent: `00-${traceId}-${'b'.repeat(16)}-01` },
        body: JSON.stringify({ session_id: 'traced', message }),
        signal: AbortSignal.timeout(60_000),
      })
      const { session_id, event_id } = (await answer.json()) as { session_id: string; event_id: string }
      const listener = await SessionListener.open(gateway.url, session_id)
      await listener.final(event_id)
      listener.close()
      await collector.until(() =>
        ['InvocationFinished', 'TurnFinished'].every((kind) =>
          collector.of(traceId).some(({ attributes }) => String(attributes['soma.events']).includes(kind)),
        ),
      )
      await collector.until(() => collector.of(traceId).some(({ name }) => name === 'http.request'))
      const spans = collector.of(traceId)
      expect(new Set(spans.map(({ process }) => process)).size).to.equal(2)
      const names = ['http.request', 'mailbox.send', 'mailbox.deliver', 'actor.handle', 'model.call', 'tool.run']
      expect(spans.map(({ name }) => name)).to.include.members([...names, 'journal.append'])
      const known = new Set(spans.map(({ spanId }) => spanId))
      const roots = spans.filter(({ parentSpanId }) => !parentSpanId || !known.has(parentSpanId))
      expect(roots.map(({ name, parentSpanId }) => [name, parentSpanId])).to.deep.equal([
        ['http.request', 'b'.repeat(16)],
      ])
    })

    it('has metrics of shards, actors, Kafka and the journal on the node, and of requests on the gateway', async () => {
      const metrics = async (service: ServiceProcess) => (await fetch(`${service.url}/metrics`)).text()
      const [ofNode, ofGateway] = [await metrics(node), await metrics(gateway)]
      expect(ofNode).to.match(/soma_shards_owned\{kind="session"\} 64/)
      expect(ofNode).to.match(/soma_shard_epoch_highest\{kind="session"\} [1-9]/)
      expect(ofNode).to.match(/soma_shard_takeovers_total\{kind="session",reason="joined"\} [1-9]/)
      expect(ofNode).to.match(/soma_mailbox_lag\{topic="conversation\.inbound"\} \d/)
      expect(ofNode).to.match(/soma_actor_messages_total\{type="tool",outcome="ok"\} [1-9]/)
      expect(ofNode).to.match(/soma_kafka_produced_total\{result="ok"\} [1-9]/)
      expect(ofNode).to.match(/soma_journal_batch_size_count [1-9]/)
      expect(ofGateway).to.match(
        /gateway_requests_total\{method="POST",route="\/v1\/session\/message",status="200"\} 1/,
      )
      expect(ofGateway).not.to.match(/soma_shards_owned\{kind="session"\} [1-9]/)
    })
  })
})
