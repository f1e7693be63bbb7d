import { silentLogger } from '../../actors/kernel/telemetry.ts'
import { InMemoryMailboxRows } from '../../persistence/in-memory-mailbox-rows.ts'
import type { MailboxRows } from '../../persistence/mailbox-rows.ts'
import type { Persistence } from '../../persistence/open.ts'
import { InProcessMailbox } from '../../transports/in-process-mailbox.ts'
import { onEveryDatabase, onTwoServers } from '../support/persistence-under-test.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { type MailboxUnderTest, mailboxSuite } from './mailbox.ts'

describe('in-process mailbox', () => {
  describe('on rows in memory', () => mailboxSuite((limits) => inProcess(new InMemoryMailboxRows(), limits)))

  const onRows = (stores: () => Persistence) =>
    mailboxSuite(async (limits) => {
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
