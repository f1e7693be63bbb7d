import { expect } from 'chai'
import { systemClock } from '../../../infra/clock.ts'
import { kafkaProbe } from '../../../infra/probes/kafka.ts'
import { runProbe } from '../../../infra/probes/probe.ts'
import { freePort } from '../../../supervisors/drills/service-process.ts'
import { silentServer } from '../../support/odd-servers.ts'
import { describeWith } from '../../support/test-services.ts'

const plain = { ssl: false, sasl: undefined, topicPrefix: '', replication: 0 }

describeWith('kafka', 'the probe of Kafka', (addresses) => {
  const brokers = addresses.split(',')

  it('finds the brokers of the cluster', async () => {
    const found = await runProbe(kafkaProbe({ ...plain, brokers }), systemClock)
    expect(found, found.detail).to.include({ ok: true, required: true })
    expect(found.detail).to.match(/^\d brokers? at .* \(KAFKA_BOOTSTRAP_SERVERS\)$/)
  })

  it('is not misled by a broker that is frozen and one that is gone while others serve', async () => {
    const frozen = await silentServer()
    const all = [`127.0.0.1:${frozen.port}`, `127.0.0.1:${await freePort()}`, ...brokers]
    const found = await runProbe(kafkaProbe({ ...plain, brokers: all }), systemClock)
    await frozen.stop()
    expect(found, found.detail).to.include({ ok: true })
    expect(found.detail).to.include(`2 of ${all.length} addresses do not answer`)
  })
})
