import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { expect } from 'chai'
import { Service } from '../support/service.ts'
import { SessionListener } from '../support/session-listener.ts'

/** A version that no release has written yet: what an operator meets who goes back to an older release. */
const FUTURE = 99

describe('a session whose journal cannot be read', function () {
  this.timeout(120_000)
  let service: Service
  const ids: Record<string, string> = {}

  before(async () => {
    service = await Service.start()
    for (const name of ['poisoned-api', 'poisoned-cli', 'healthy']) {
      const { session_id } = await service.say(name, 'say before')
      ids[name] = session_id
      await heard(session_id)
    }
    await service.stop()
    await rewriteVersions(FUTURE)
    await service.start()
  })
  after(() => service.release())

  it('is quarantined with the cause, and holds its messages', async () => {
    for (const name of ['poisoned-api', 'poisoned-cli']) {
      await service.say(name, 'say after mending')
      const entry = await quarantined(name)
      expect(entry).to.include({ code: 'UNREADABLE_EVENT', address: `session:${ids[name]}` })
      expect(entry.detail).to.include(`version ${FUTURE}`)
      expect(entry.held).to.be.greaterThan(0)
    }
  })

  it('answers SESSION_QUARANTINED, with the remedy', async () => {
    const { status, headers, body } = await service.post('/v1/session/message', {
      session_id: 'poisoned-api',
      message: 'say not now',
    })
    expect(status).to.equal(503)
    expect(body.code).to.equal('SESSION_QUARANTINED')
    expect(body.remedy).to.include('soma quarantine')
    expect(Number(headers.get('retry-after'))).to.be.greaterThan(0)
  })

  it('does not touch the others', async () => {
    const { event_id } = await service.say('healthy', 'say still here')
    expect(await heard(ids.healthy as string, event_id)).to.equal('still here')
  })

  it('is told by `soma quarantine`', async () => {
    const { code, stdout } = await service.soma(['quarantine', '--json'])
    expect(code).to.equal(0)
    expect(stdout).to.include(ids['poisoned-api']).and.to.include('UNREADABLE_EVENT')
  })

  it('stays quarantined over a restart, and goes on after mending: by API and by CLI', async () => {
    await service.stop()
    await rewriteVersions(1)
    await service.start()
    const { body } = await service.get('/v1/admin/quarantine')
    expect(body.quarantine).to.have.length(2)

    const byApi = await service.post(`/v1/admin/quarantine/session:${ids['poisoned-api']}/resume`, { action: 'retry' })
    expect(byApi.status).to.equal(200)
    expect(await heard(ids['poisoned-api'] as string, undefined, 'after mending')).to.equal('after mending')

    const byCli = await service.soma(['quarantine', 'resume', `session:${ids['poisoned-cli']}`])
    expect(byCli.code, byCli.stderr).to.equal(0)
    expect(await heard(ids['poisoned-cli'] as string, undefined, 'after mending')).to.equal('after mending')

    expect((await service.get('/v1/admin/quarantine')).body.quarantine).to.deep.equal([])
    const { event_id } = await service.say('poisoned-api', 'say as before')
    expect(await heard(ids['poisoned-api'] as string, event_id)).to.equal('as before')
  })

  async function heard(sessionId: string, turnId?: string, message?: string): Promise<string> {
    const listener = await SessionListener.open(service.url, sessionId)
    try {
      const { event } = await listener.until(
        ({ type, metadata, message: told }) =>
          type === 'assistant.final' &&
          (turnId === undefined || metadata.turn_id === turnId) &&
          (message === undefined || told === message),
      )
      return event.message
    } finally {
      listener.close()
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: an answer as it came.
  async function quarantined(name: string): Promise<any> {
    for (;;) {
      const { status, body } = await service.get(`/v1/admin/quarantine/session:${ids[name]}`)
      if (status === 200) return body
      expect(body.code).to.equal('NOT_QUARANTINED')
    }
  }

  async function rewriteVersions(version: number): Promise<void> {
    const database = await PGlite.create(join(service.dataDir, 'pg'))
    const addresses = [`session:${ids['poisoned-api']}`, `session:${ids['poisoned-cli']}`]
    await database.query('update events set version = $1 where address = any($2)', [version, addresses])
    await database.close()
  }
})
