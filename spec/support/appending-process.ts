import { parseArgs } from 'node:util'
import type { Address } from '../../actors/kernel/address.ts'
import { openPersistence } from '../../persistence/open.ts'
import { anAppend, anEnvelope, freshSession, ownSessions } from './given-append.ts'
import { common } from './persistence-under-test.ts'

/** A process that appends and sends until it is killed, and prints what was acknowledged: run by crash.spec.ts. */
const { dataDir, template } = parseArgs({
  options: { dataDir: { type: 'string' }, template: { type: 'string' } },
}).values
const stores = await openPersistence({ ...common, dataDir: dataDir as string, template: template ?? common.template })
const epoch = await ownSessions(stores.epochs)
process.stdout.write(`${JSON.stringify({ opened: true })}\n`)

const appending = (address: Address) => async () => {
  for (let seq = 0; ; seq++) {
    const append = anAppend({
      address,
      epoch,
      expectedSeq: seq,
      outbox: [anEnvelope({ id: `${address}/${seq + 1}/0` })],
    })
    const answer = await stores.journal.append(append)
    process.stdout.write(`${JSON.stringify({ address, envelopeId: append.envelopeId, ...answer })}\n`)
  }
}
const putting = async () => {
  const [stored] = await stores.mailboxRows.shards()
  for (let offset = stored?.next ?? 0; ; offset++) {
    await stores.mailboxRows.put({ kind: 'tool', shard: 0, offset, envelope: anEnvelope() })
    process.stdout.write(`${JSON.stringify({ offset })}\n`)
  }
}
await Promise.all([putting(), ...Array.from({ length: 20 }, () => appending(freshSession())())])
