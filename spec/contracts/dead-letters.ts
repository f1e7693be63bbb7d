import { expect } from 'chai'
import { systemIds } from '../../infra/clock.ts'
import { AT, anEnvelope, freshSession } from '../support/given-append.ts'
import type { Stores } from '../support/persistence-under-test.ts'

/** What every DeadLetters and Quarantine promises (actors/kernel/dead-letters.ts). */
export function deadLettersSuite(stores: () => Stores): void {
  const letters = () => stores().deadLetters
  const quarantine = () => stores().quarantine

  it('parks a message with its cause, finds it, and forgets it when asked', async () => {
    const tenant = systemIds.uuid()
    const letter = aLetter({ envelope: anEnvelope({ tenant, body: { odd: '\0' } }), detail: 'why\0' })
    await letters().park(letter)
    const [parked] = await letters().list({ tenant, limit: 10 })
    expect(parked).to.deep.include(letter)
    const id = parked?.id as string
    expect(await letters().get(id)).to.deep.equal(parked)
    expect(await letters().remove(id)).to.equal(true)
    expect(await letters().remove(id)).to.equal(false)
    expect(await letters().get(id)).to.equal(undefined)
  })

  it('keeps one dead letter per envelope and code', async () => {
    const tenant = systemIds.uuid()
    const envelope = anEnvelope({ tenant })
    await letters().park(aLetter({ envelope }))
    await letters().park(aLetter({ envelope, detail: 'again' }))
    await letters().park(aLetter({ envelope, code: 'EXPIRED' }))
    expect((await letters().list({ tenant, limit: 10 })).map((it) => it.code)).to.deep.equal([
      'EXPIRED',
      'POISON_MESSAGE',
    ])
  })

  it('lists newest first, by tenant or address, page by page', async () => {
    const tenant = systemIds.uuid()
    const to = freshSession()
    for (let i = 0; i < 5; i++) {
      await letters().park(aLetter({ envelope: anEnvelope({ tenant, ...(i % 2 === 0 ? { to } : {}) }), retries: i }))
    }
    expect((await letters().list({ address: to, limit: 10 })).map((it) => it.retries)).to.deep.equal([4, 2, 0])
    const first = await letters().list({ tenant, limit: 2 })
    const second = await letters().list({ tenant, limit: 10, before: first.at(-1)?.id as string })
    expect([...first, ...second].map((it) => it.retries)).to.deep.equal([4, 3, 2, 1, 0])
  })

  it('holds the messages of a quarantined address in order, each once, until released', async () => {
    const address = freshSession()
    const [suspect, second, third] = [1, 2, 3].map((n) => anEnvelope({ to: address, body: { n } }))
    if (!suspect || !second || !third) throw new Error('unreachable')
    const entry = { address, tenant: address, code: 'POISON_MESSAGE' as const, detail: 'first', suspect, since: AT }
    await quarantine().hold(entry, [suspect, second])
    await quarantine().hold({ ...entry, suspect: undefined, detail: 'renewed', since: AT + 9 }, [second, third])
    expect(await quarantine().get(address)).to.deep.equal({ ...entry, detail: 'renewed', held: 3 })
    expect(await quarantine().list(address)).to.deep.equal([{ ...entry, detail: 'renewed', held: 3 }])
    expect(await quarantine().held(address)).to.deep.equal([suspect, second, third])
    expect(await quarantine().release(address)).to.equal(true)
    expect(await quarantine().release(address)).to.equal(false)
    expect(await quarantine().get(address)).to.equal(undefined)
    expect(await quarantine().held(address)).to.deep.equal([])
  })
}

function aLetter(over: object) {
  return {
    envelope: anEnvelope(),
    source: 'mailbox',
    code: 'POISON_MESSAGE' as const,
    detail: 'why',
    retries: 0,
    at: AT,
    ...over,
  }
}
