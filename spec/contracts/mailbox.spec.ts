import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { InMemoryMailboxRows } from '../../persistence/in-memory-mailbox-rows.ts'
import type { LogOffsets } from '../../persistence/log-offsets.ts'
import type { MailboxRows } from '../../persistence/mailbox-rows.ts'
import type { Persistence } from '../../persistence/open.ts'
import { InProcessMailbox } from '../../transports/in-process-mailbox.ts'
import { KafkaUnderTest } from '../support/kafka-under-test.ts'
import { onEveryDatabase, onTwoServers } from '../support/persistence-under-test.ts'
import { describeWith } from '../support/test-services.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { countingMailboxSuite, type MailboxUnderTest, mailboxSuite } from './mailbox.ts'

describe('in-process mailbox', () => {
  const suites = (open: Parameters<typeof mailboxSuite>[0]) => {
    mailboxSuite(open)
    countingMailboxSuite(open)
  }
  describe('on rows in memory', () => suites((limits) => inProcess(new InMemoryMailboxRows(), limits)))

  const onRows = (stores: () => Persistence) =>
    suites(async (limits) => {
      // Each mailbox finds its tables as a new installation does.
      await stores().everywhere.exec('truncate mailbox; truncate offsets')
      return inProcess(stores().mailboxRows, limits)
    })
  onEveryDatabase(onRows)
  onTwoServers(onRows)
})

async function inProcess(rows: MailboxRows, limits: object = {}): Promise<MailboxUnderTest> {
  const clock = new VirtualClock()
  const mailbox = await InProcessMailbox.open({ rows, clock, log: silentLogger, ...limits })
  return {
    mailbox,
    reopen: () => inProcess(rows, limits),
    pass: (ms) => clock.advance(ms),
    close: () => mailbox.close(),
  }
}

describeWith('kafka', 'Kafka mailbox', (brokers) => {
  const kafka = new KafkaUnderTest(brokers)
  before(async function () {
    this.timeout(60_000)
    await kafka.open()
  })
  after(() => kafka.close())

  mailboxSuite(async () => onKafka(kafka, await kafka.offsetsFromNow()))
})

async function onKafka(kafka: KafkaUnderTest, offsets: LogOffsets): Promise<MailboxUnderTest> {
  const reader = await kafka.reader()
  const mailbox = kafka.mailbox(reader, offsets)
  return {
    mailbox,
    reopen: () => onKafka(kafka, offsets),
    // What is retried waits for real time here.
    pass() {},
    async close() {
      await mailbox.close()
      await reader.close()
    },
  }
}
