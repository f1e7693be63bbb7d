import { expect } from 'chai'
import { type Address, idOf, shardOf } from '../../../actors/kernel/address.ts'
import { derivedId } from '../../../actors/kernel/envelope.ts'
import type { Failure } from '../../../actors/kernel/failure.ts'
import { systemIds } from '../../../infra/clock.ts'
import { deadLetterDepths } from '../../../infra/telemetry/dead-letter-depths.ts'
import { openPersistence, type Persistence } from '../../../persistence/open.ts'
import { AT, anAppend, anEnvelope, freshSession, ownSessions } from '../../support/given-append.ts'
import { common, freshSpread, halves } from '../../support/persistence-under-test.ts'
import { describeWith, freshDatabase } from '../../support/test-services.ts'

const on = (server: number, address: string) => halves[server]?.includes(shardOf(address as Address)) ?? false
const sessionOn = (server: number): Address => {
  const address = freshSession()
  return on(server, address) ? address : sessionOn(server)
}
const refusal = async (opening: Promise<Persistence>): Promise<Failure> => {
  const outcome = await opening.catch((error) => error)
  if (!(outcome instanceof Error)) await outcome.close()
  return outcome
}

describeWith('postgres', 'a journal on two servers', (server) => {
  let spread: Awaited<ReturnType<typeof freshSpread>>
  beforeEach(async () => {
    spread = await freshSpread(server)
  })
  afterEach(() => spread.drop())

  const [evens, odds] = halves as [number[], number[]]
  const dsn = (i: number) => spread.places[i]?.dsn ?? ''

  it('keeps each address on the server of its shard, and nothing of it on the other', async () => {
    const stores = await spread.open()
    const epoch = await ownSessions(stores.epochs)
    const addresses = [0, 1, 0, 1].map(sessionOn)
    await Promise.all(addresses.map((address) => stores.journal.append(anAppend({ address, epoch }))))
    const counted = await stores.everywhere.query<{ n: number }>('select count(*)::int as n from events')
    expect(counted).to.deep.equal([{ n: 2 }, { n: 2 }])
    const shards = await stores.everywhere.query<{ shard: number }>("select shard from shards where kind = 'session'")
    expect(shards.map(({ shard }) => shard).sort((a, b) => a - b)).to.deep.equal(
      [...evens, ...odds].sort((a, b) => a - b),
    )
    await stores.close()
  })

  it('erases a session’s tool calls wherever they lie, but no call that still runs', async () => {
    const stores = await spread.open()
    const epoch = await ownSessions(stores.epochs)
    const tools = await ownSessions(stores.epochs, 'node-a', 'tool')
    const address = sessionOn(0)
    const calls = Array.from({ length: 12 }, (_, i) => `tool:${idOf(address)}/${i}.0` as Address)
    const far = calls.filter((call) => on(1, call))
    expect(far.length).to.be.above(1)
    await stores.journal.append(anAppend({ address, epoch }))
    for (const call of calls) {
      await stores.journal.append(anAppend({ address: call, epoch: tools, unfinished: call === far[0] }))
    }
    const fenced = await stores.journal.erase(address, epoch + 1).catch((error) => error)
    expect(fenced).to.include({ code: 'EPOCH_FENCED' })
    expect(await stores.journal.head(far[1] as Address), 'a superseded owner erases nothing').to.equal(1)
    await stores.journal.erase(address, epoch)
    const left = await Promise.all(calls.map((call) => stores.journal.head(call)))
    expect(calls.filter((_, i) => left[i] === 1)).to.deep.equal([far[0]])
    await stores.close()
  })

  it('forgets relayed rows by the sender that a derived id names, and any other id everywhere', async () => {
    const stores = await spread.open()
    const epoch = await ownSessions(stores.epochs)
    const senders = [sessionOn(0), sessionOn(1)]
    const odd = systemIds.uuid()
    for (const [i, address] of senders.entries()) {
      const ids = [derivedId(address, 1, 0), `${odd}-${i}`]
      await stores.journal.append(anAppend({ address, epoch, outbox: ids.map((id) => anEnvelope({ id })) }))
    }
    const pending = () =>
      stores.journal.pendingOutbox(
        'session',
        senders.map((it) => shardOf(it)),
        10,
      )
    expect(await pending()).to.have.length(4)
    await stores.journal.relayed([derivedId(senders[1] as Address, 1, 0), `${odd}-0`])
    expect((await pending()).map(({ id }) => id).sort()).to.deep.equal(
      [derivedId(senders[0] as Address, 1, 0), `${odd}-1`].sort(),
    )
    await stores.close()
  })

  it('counts dead letters of all servers as one depth', async () => {
    const stores = await spread.open()
    for (const address of [sessionOn(0), sessionOn(1), sessionOn(1)]) {
      const letter = { source: 'mailbox', code: 'EXPIRED' as const, detail: '', retries: 0, at: AT }
      await stores.deadLetters.park({ ...letter, envelope: anEnvelope({ to: address }) })
    }
    expect([...(await deadLetterDepths(stores.everywhere)())]).to.deep.equal([['conversation.inbound', 3]])
    await stores.close()
  })

  it('refuses a map that disagrees with what its servers keep, and says what they keep', async () => {
    await (await spread.open()).close()
    await (await spread.open()).close()
    const swapped = spread.places.map(({ dsn }, i) => ({ dsn, shards: halves[1 - i] ?? [] }))
    const failure = await refusal(spread.open(swapped))
    expect(failure).to.include({ code: 'CONFIG_INVALID' })
    expect(failure.detail)
      .to.include(new URL(dsn(0)).host)
      .and.to.include('keeps shards 0,2,4')
      .and.to.include('SOMA_JOURNALS')
  })

  it('refuses to be taken for the only database', async () => {
    await (await spread.open()).close()
    const failure = await refusal(openPersistence({ ...common, postgresDsn: dsn(1) }))
    expect(failure).to.include({ code: 'CONFIG_INVALID' })
    expect(failure.detail).to.include('SOMA_JOURNALS is not set')
  })

  it('refuses a database that already keeps sessions of every shard', async () => {
    const alone = await openPersistence({ ...common, postgresDsn: dsn(0) })
    await alone.journal.append(anAppend({ address: freshSession(), epoch: await ownSessions(alone.epochs) }))
    await alone.close()
    const failure = await refusal(spread.open())
    expect(failure).to.include({ code: 'CONFIG_INVALID' })
    expect(failure.detail).to.include('every shard')
    await (await openPersistence({ ...common, postgresDsn: dsn(0) })).close()
  })

  it('names the server that cannot be reached, without its password', async () => {
    const [first] = spread.places
    const nowhere = { dsn: 'postgres://soma:hush@127.0.0.1:9/soma', shards: odds }
    const failure = await refusal(spread.open([{ dsn: first?.dsn ?? '', shards: evens }, nowhere]))
    expect(failure).to.include({ code: 'JOURNAL_UNAVAILABLE' })
    expect(failure.detail).to.include('127.0.0.1:9/soma').and.not.to.include('hush')
  })

  it('keeps what belongs to no shard on a server that need keep none', async () => {
    const third = await freshDatabase(server)
    const stores = await spread.open(spread.places, third.dsn)
    await stores.sql.exec("insert into drills values ('d', 'kill', now(), now(), true, '{}')")
    expect(await stores.everywhere.query('select id from drills')).to.deep.equal([])
    await stores.close()
    expect(await refusal(openPersistence({ ...common, postgresDsn: third.dsn }))).to.include({ code: 'CONFIG_INVALID' })
    await third.drop()
  })
})
