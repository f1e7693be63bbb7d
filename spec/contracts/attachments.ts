import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { CHUNK_BYTES, type NewAttachment } from '../../persistence/attachments.ts'
import type { SessionRecord } from '../../persistence/journal.ts'
import { codeOf } from '../support/code-of.ts'
import type { Stores } from '../support/persistence-under-test.ts'

/** What every Attachments promises (persistence/attachments.ts); the numbers are its own. */
export function attachmentsSuite(stores: () => Stores): void {
  const given = (change: Partial<NewAttachment> = {}): NewAttachment => ({
    tenant: 'acme',
    sessionId: randomUUID(),
    filename: 'report \u0000 ünï.pdf',
    mime: 'application/pdf',
    source: 'upload',
    bytes: new TextEncoder().encode('hello'),
    ...change,
  })
  const bytesOf = async (pieces: AsyncIterable<Uint8Array>) => {
    const all: Uint8Array[] = []
    for await (const piece of pieces) all.push(piece.slice())
    return Buffer.concat(all)
  }

  it('gives back what was saved, byte for byte, in pieces and by range', async () => {
    const { attachments } = stores()
    const bytes = randomBytes(2 * CHUNK_BYTES + 1_234)
    async function* oddPieces() {
      for (let from = 0; from < bytes.length; from += 100_001) yield bytes.subarray(from, from + 100_001)
    }
    const saved = await attachments.save(given({ bytes: oddPieces() }))
    expect(saved).to.include({
      tenant: 'acme',
      filename: 'report \u0000 ünï.pdf',
      mime: 'application/pdf',
      source: 'upload',
      size: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      status: 'clean',
    })
    expect(await attachments.get('acme', saved.id)).to.deep.equal(saved)
    expect((await bytesOf(attachments.read('acme', saved.id))).equals(bytes)).to.equal(true)
    for (const [from, to] of [
      [0, 1],
      [CHUNK_BYTES - 1, CHUNK_BYTES + 1],
      [5, 2 * CHUNK_BYTES + 9],
      [bytes.length - 1, bytes.length],
      [7, 7],
    ] as const) {
      const part = await bytesOf(attachments.read('acme', saved.id, { from, to }))
      expect(part.equals(bytes.subarray(from, to)), `${from}-${to}`).to.equal(true)
    }
  })

  it('keeps a file without a byte', async () => {
    const { attachments } = stores()
    const saved = await attachments.save(given({ bytes: new Uint8Array() }))
    expect(saved.size).to.equal(0)
    expect(await bytesOf(attachments.read('acme', saved.id))).to.have.length(0)
  })

  it('A2: does not exist for another tenant, whatever is asked', async () => {
    const { attachments } = stores()
    const saved = await attachments.save(given())
    expect(await attachments.get('evil', saved.id)).to.equal(undefined)
    expect(await codeOf(bytesOf(attachments.read('evil', saved.id)))).to.equal('ATTACHMENT_NOT_FOUND')
    expect(await attachments.list({ tenant: 'evil', sessionId: saved.sessionId, limit: 10 })).to.deep.equal([])
    expect(await attachments.usage('evil', saved.sessionId)).to.deep.equal({ count: 0, bytes: 0 })
    expect(await attachments.mark('evil', saved.id, { status: 'quarantined', by: 'x' })).to.equal(undefined)
    expect(await attachments.remove('evil', saved.id)).to.equal(false)
    expect(
      await codeOf(attachments.save(given({ id: saved.id, sessionId: saved.sessionId, tenant: 'evil' }))),
    ).to.equal('ATTACHMENT_NOT_FOUND')
    expect(await attachments.get('acme', saved.id)).to.deep.equal(saved)
  })

  it('A3: the first save of an id wins, and a second answers it', async () => {
    const { attachments } = stores()
    const id = randomUUID()
    const first = await attachments.save(given({ id }))
    const { sessionId } = first
    const again = await attachments.save(given({ id, sessionId, bytes: new TextEncoder().encode('other') }))
    expect(again).to.deep.equal(first)
    expect(String(await bytesOf(attachments.read('acme', id)))).to.equal('hello')
  })

  it('A1: nobody sees it before all of it is there and was screened', async () => {
    const { attachments } = stores()
    const id = randomUUID()
    const sessionId = randomUUID()
    const seen: unknown[] = []
    const look = async () => {
      seen.push(await attachments.get('acme', id), ...(await attachments.list({ tenant: 'acme', sessionId, limit: 9 })))
    }
    async function* watched() {
      yield randomBytes(CHUNK_BYTES + 1)
      await look()
    }
    let screened = ''
    const saved = await attachments.save(
      given({
        id,
        sessionId,
        bytes: watched(),
        async screen(content, claimed) {
          await look()
          screened = `${claimed.mime} ${content.size} ${(await bytesOf(content.read({ from: 9, to: 12 }))).length}`
          return { mime: 'text/plain', status: 'quarantined', quarantineReason: 'because' }
        },
      }),
    )
    expect(seen.filter((one) => one !== undefined)).to.deep.equal([])
    expect(screened).to.equal(`application/pdf ${CHUNK_BYTES + 1} 3`)
    expect(saved).to.include({ mime: 'text/plain', status: 'quarantined', quarantineReason: 'because' })
  })

  it('A5: leaves nothing of a save that broke, was too large, or could not be screened', async () => {
    const { attachments } = stores()
    async function* breaking() {
      yield randomBytes(CHUNK_BYTES)
      throw new Error('the client is gone')
    }
    const refused = async () => {
      throw new Error('no scanner')
    }
    const id = randomUUID()
    expect(await codeOf(attachments.save(given({ id, bytes: breaking() })))).to.equal('the client is gone')
    expect(await codeOf(attachments.save(given({ id, screen: refused })))).to.equal('no scanner')
    const large = given({ id, bytes: randomBytes(300), maxBytes: 299 })
    expect(await codeOf(attachments.save(large))).to.equal('UPLOAD_TOO_LARGE')
    expect(await attachments.get('acme', id)).to.equal(undefined)
    expect(await attachments.sweep(Date.now() + 1_000)).to.equal(0)
    expect((await attachments.save({ ...large, maxBytes: 300 })).size).to.equal(300)
  })

  it('A6: saves side by side never take a session beyond its room', async () => {
    const { attachments } = stores()
    const tenant = randomUUID()
    for (const [room, held] of [
      [
        { count: 3, bytes: 1_000 },
        { count: 3, bytes: 15 },
      ],
      [
        { count: 1_000, bytes: 24 },
        { count: 4, bytes: 20 },
      ],
    ] as const) {
      const sessionId = randomUUID()
      // All have their bytes stored before any is counted.
      let stored = 0
      let open = () => {}
      const all = new Promise<void>((resolve) => {
        open = resolve
      })
      const screen: NewAttachment['screen'] = async () => {
        if (++stored === 9) open()
        await all
        return { mime: 'text/plain', status: 'clean' }
      }
      const saves = Array.from({ length: 9 }, () => attachments.save(given({ tenant, sessionId, room, screen })))
      const answers = await Promise.allSettled(saves)
      const refused = answers.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))
      expect(refused).to.deep.equal(Array(9 - held.count).fill('UPLOAD_LIMIT'))
      expect(await attachments.usage(tenant, sessionId)).to.deep.equal(held)
      // A3 goes before: what is there takes no more room.
      const [there] = await attachments.list({ tenant, sessionId, limit: 1 })
      const again = given({ tenant, sessionId, room, ...(there && { id: there.id }) })
      expect(await attachments.save(again)).to.deep.equal(there)
      const { filename, size } = await attachments.save(given({ tenant, sessionId }))
      expect({ filename, size }, 'without a room').to.deep.equal({ filename: given().filename, size: 5 })
    }
    expect(await attachments.sweep(Date.now() + 1_000), 'bytes of those that were refused').to.equal(0)
  })

  it('A7: keeps bytes that a tenant has already once, until the last attachment that has them goes', async () => {
    const { attachments } = stores()
    const bytes = randomBytes(CHUNK_BYTES + 1)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const tenant = randomUUID()
    // One session: where the journal is spread, two may lie on servers that know nothing of each other.
    const sessionId = randomUUID()
    const neverRead = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('read again')) }) }
    const unread = given({ tenant, sessionId, sha256, filename: 'a.png', mime: 'other/type', bytes: neverRead })
    const screen = async () => ({ mime: 'image/png', status: 'clean' as const })
    const first = await attachments.save({ ...unread, bytes, screen })
    const second = await attachments.save(unread)
    expect(second).to.deep.equal({ ...first, id: second.id, createdAt: second.createdAt })
    for (const other of [{ tenant: randomUUID() }, { filename: 'b.png' }, { source: 'tool' as const }]) {
      expect(await codeOf(attachments.save({ ...unread, ...other })), JSON.stringify(other)).to.equal('read again')
    }
    expect(await attachments.remove(tenant, first.id)).to.equal(true)
    expect((await bytesOf(attachments.read(tenant, second.id))).equals(bytes)).to.equal(true)
    await attachments.mark(tenant, second.id, { status: 'quarantined', reason: 'private', by: 'op' })
    const third = await attachments.save(unread)
    expect(third).to.include({ status: 'quarantined', quarantineReason: 'private', decidedBy: 'op' })
    for (const { id } of [second, third]) expect(await attachments.remove(tenant, id)).to.equal(true)
    expect(await attachments.sweep(Date.now() + 1_000), 'bytes that were left').to.equal(0)
    expect(await codeOf(attachments.save(unread))).to.equal('read again')
  })

  it('lists a session’s, oldest first and a page at a time, and counts them', async () => {
    const { attachments } = stores()
    const sessionId = randomUUID()
    const tenant = randomUUID()
    const saved = []
    for (let n = 0; n < 5; n++) saved.push(await attachments.save(given({ tenant, sessionId, filename: `${n}` })))
    await attachments.save(given({ tenant }))
    const first = await attachments.list({ tenant, sessionId, limit: 3 })
    const rest = await attachments.list({ tenant, sessionId, limit: 3, after: first[2] as (typeof first)[0] })
    const ids = [...first, ...rest].map(({ id }) => id)
    expect(ids).to.have.members(saved.map(({ id }) => id))
    expect(await attachments.list({ tenant, limit: 10 })).to.have.length(6)
    expect(await attachments.usage(tenant, sessionId)).to.deep.equal({ count: 5, bytes: 25 })
  })

  it('changes its status, says who did, and lists by it', async () => {
    const { attachments } = stores()
    const tenant = randomUUID()
    const { id } = await attachments.save(given({ tenant }))
    const bad = await attachments.mark(tenant, id, { status: 'quarantined', reason: 'macros', by: 'op' })
    expect(bad).to.include({ status: 'quarantined', quarantineReason: 'macros', decidedBy: 'op' })
    expect(await attachments.list({ tenant, status: 'quarantined', limit: 10 })).to.deep.equal([bad])
    const good = await attachments.mark(tenant, id, { status: 'clean', by: 'boss' })
    expect(good).to.include({ status: 'clean', decidedBy: 'boss' }).and.not.have.property('quarantineReason')
    expect(await attachments.list({ tenant, status: 'quarantined', limit: 10 })).to.deep.equal([])
    expect(await attachments.remove(tenant, id)).to.equal(true)
    expect(await attachments.get(tenant, id)).to.equal(undefined)
    expect(await codeOf(bytesOf(attachments.read(tenant, id)))).to.equal('ATTACHMENT_NOT_FOUND')
  })

  it('A4: goes with its session, and cannot come after it is deleted', async () => {
    const { attachments, records } = stores()
    const sessionId = randomUUID()
    const saved = await attachments.save(given({ sessionId }))
    const other = await attachments.save(given())
    const record: SessionRecord = {
      sessionId,
      tenant: 'acme',
      personaId: 'soma',
      metadata: {},
      state: 'deleted',
      createdAt: 1,
      updatedAt: 1,
    }
    await records.claim(record)
    expect(await codeOf(attachments.save(given({ sessionId })))).to.equal('SESSION_DELETED')
    // The one from before is what a save leaves that was overtaken by the deletion.
    expect(await attachments.sweep(0)).to.equal(1)
    expect(await attachments.get('acme', saved.id)).to.equal(undefined)
    await attachments.removeOfSession(other.sessionId)
    expect(await attachments.get('acme', other.id)).to.equal(undefined)
  })

  it('takes words that are no id for one that is not there', async () => {
    const { attachments } = stores()
    expect(await attachments.get('acme', '../../etc/passwd')).to.equal(undefined)
    expect(await attachments.remove('acme', "' or 1=1")).to.equal(false)
    expect(await attachments.list({ tenant: 'acme', sessionId: 'x', limit: 1 })).to.deep.equal([])
  })
}
