import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { openPersistence, type Persistence } from '../../persistence/open.ts'
import { anAppend, freshSession, ownSessions } from '../support/given-append.ts'
import { common, freshDataDir } from '../support/persistence-under-test.ts'

describe('full disk', () => {
  let disk: string
  let stores: Persistence
  let epoch: number
  const ballast = () => join(disk, 'ballast')

  // A small file system of its own is the only honest full disk; mounting one takes root.
  before(async function () {
    this.timeout(30_000)
    disk = await mkdtemp(join(tmpdir(), 'soma-disk-'))
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', disk]).status !== 0) {
      console.warn('      SKIPPED: no tmpfs can be mounted here')
      this.skip()
    }
    await rm(await freshDataDir(), { recursive: true }) // the template is made
    stores = await openPersistence({ ...common, dataDir: join(disk, 'data') })
    epoch = await ownSessions(stores.epochs)
  })
  after(async () => {
    await stores?.close()
    spawnSync('umount', ['-l', disk])
    await rm(disk, { recursive: true, force: true })
  })

  for (const [place, prepare] of [
    ['a table', ''],
    // A fresh segment has to be made, and that it cannot be is a PANIC.
    ['the write-ahead log', 'select pg_switch_wal()'],
  ] as const) {
    it(`in ${place} is JOURNAL_UNAVAILABLE for the append; the process lives and goes on when there is space`, async function () {
      this.timeout(30_000)
      const { bavail, bsize } = await statfs(disk)
      await writeFile(ballast(), Buffer.alloc(bavail * bsize - 3_000_000))
      if (prepare) await stores.sql.exec(prepare)
      const address = freshSession()
      const append = (seq: number) =>
        stores.journal.append(
          anAppend({ address, epoch, expectedSeq: seq, events: [{ kind: 'Big', version: 1, at: 1, data: noise() }] }),
        )
      let acknowledged = 0
      let failure: unknown
      while (failure === undefined) {
        await append(acknowledged).then(
          () => acknowledged++,
          (error) => {
            failure = error
          },
        )
      }
      expect(failure).to.include({ code: 'JOURNAL_UNAVAILABLE' })
      await rm(ballast())
      // A thread that panicked is started again once a second at most.
      const until = common.clock.now() + 15_000
      let answer: unknown
      while (answer === undefined && common.clock.now() < until)
        answer = await append(acknowledged).catch(() => undefined)
      expect(answer).to.deep.equal({ status: 'appended', seq: acknowledged + 1 })
    })
  }
})

/** What Postgres cannot compress. */
function noise(): string {
  return randomBytes(30_000).toString('hex')
}
