import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { Address } from '../../actors/kernel/address.ts'
import { openPersistence } from '../../persistence/open.ts'
import { anAppend, freshSession, ownSessions } from '../support/given-append.ts'
import { common, freshDataDir } from '../support/persistence-under-test.ts'

describe('kill -9', () => {
  let dataDir: string
  afterEach(() => rm(dataDir, { recursive: true, force: true }))

  it('in the middle of appends and sends loses nothing that was acknowledged (J6, M1)', async function () {
    this.timeout(60_000)
    dataDir = await freshDataDir()
    const acknowledged: Acknowledged[] = []
    for (const kills of [300, 1_000]) acknowledged.push(...(await killedAfter(kills, dataDir)))
    const stores = await openPersistence({ ...common, dataDir })
    const heads = new Map<Address, number>()
    for (const { address, seq, envelopeId } of acknowledged) {
      if (address === undefined) continue
      heads.set(address, Math.max(heads.get(address) ?? 0, seq as number))
      expect(await stores.journal.wasApplied(address, envelopeId as string)).to.equal(true)
    }
    for (const [address, head] of heads) {
      const events = await stores.journal.read(address, 0, 1_000)
      expect(events.length).to.be.at.least(head)
      expect(events.map((event) => event.seq)).to.deep.equal(events.map((_, i) => i + 1))
    }
    const sent = acknowledged.flatMap((it) => it.offset ?? [])
    const [tools] = await stores.mailboxRows.shards()
    expect(tools?.next).to.be.above(Math.max(...sent))
    await stores.close()
  })

  it('in the middle of the very first start leaves a directory that the next start makes whole', async function () {
    this.timeout(60_000)
    dataDir = await mkdtemp(join(tmpdir(), 'soma-spec-'))
    // With no template: initdb, the open and the migration, killed at moments spread over all of it.
    for (const delay of [300, 900, 1_500, 2_200]) await killedInStart(delay, dataDir)
    const stores = await openPersistence({ ...common, dataDir })
    const epoch = await ownSessions(stores.epochs)
    expect(await stores.journal.append(anAppend({ address: freshSession(), epoch }))).to.include({ status: 'appended' })
    await stores.close()
  })
})

interface Acknowledged {
  readonly address?: Address
  readonly envelopeId?: string
  readonly seq?: number
  readonly offset?: number
  readonly opened?: true
}

function child(...args: string[]) {
  const script = fileURLToPath(new URL('../support/appending-process.js', import.meta.url))
  return spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** What it acknowledged until it was killed, at the given number of acknowledgements. */
async function killedAfter(count: number, dataDir: string): Promise<Acknowledged[]> {
  const appending = child('--dataDir', dataDir)
  const acknowledged: Acknowledged[] = []
  for await (const line of createInterface(appending.stdout)) {
    // The pipe may end in the middle of a line; that one was not acknowledged.
    if (!line.endsWith('}')) continue
    acknowledged.push(JSON.parse(line) as Acknowledged)
    if (acknowledged.length === count) appending.kill('SIGKILL')
  }
  expect(acknowledged.length).to.be.at.least(count)
  return acknowledged
}

async function killedInStart(delayMs: number, dataDir: string): Promise<void> {
  const starting = child('--dataDir', dataDir, '--template', join(dataDir, 'no-template'))
  const gone = new Promise((resolve) => starting.once('exit', resolve))
  starting.stdout.once('data', () => starting.kill('SIGKILL'))
  const timer = setTimeout(() => starting.kill('SIGKILL'), delayMs)
  await gone
  clearTimeout(timer)
}
