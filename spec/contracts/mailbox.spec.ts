import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { InMemoryMailboxRows } from '../../persistence/in-memory-mailbox-rows.ts'
import type { MailboxRows } from '../../persistence/mailbox-rows.ts'
import { InProcessMailbox } from '../../transports/in-process-mailbox.ts'
import { onEveryDatabase } from '../support/persistence-under-test.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { type MailboxUnderTest, mailboxSuite } from './mailbox.ts'

describe('in-process mailbox', () => {
  describe('on rows in memory', () => mailboxSuite((limits) => inProcess(new InMemoryMailboxRows(), limits)))

  onEveryDatabase((stores) => {
    mailboxSuite(async (limits) => {
      // Each mailbox finds its tables as a new installation does.
      await stores().sql.exec('truncate mailbox; truncate offsets')
      return inProcess(stores().mailboxRows, limits)
    })
  })
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
