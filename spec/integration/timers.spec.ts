import { expect } from 'chai'
import { eventually } from '../support/eventually.ts'
import { Service } from '../support/service.ts'

interface Told {
  readonly type: string
  readonly message: string
  readonly metadata: Readonly<Record<string, unknown>>
}

/** Of a machine that does other things as well. */
const PATIENT_MS = 30_000

/** One process, killed for real; its sessions sleep after a second. */
describe('a timer', function () {
  this.timeout(90_000)
  let service: Service
  before(async () => {
    service = await Service.start({ env: { SOMA_IDLE_SECONDS: '1' } })
  })
  after(() => service.release())

  const soon = (ms: number) => new Date(Date.now() + ms).toISOString()
  const eventsOf = async (session: string): Promise<Told[]> =>
    ((await service.get(`/v1/sessions/${session}/events?limit=500`)).body.events ?? []).map(
      ({ payload }: { payload: Told }) => payload,
    )
  const typesOf = async (session: string, type: string) => (await eventsOf(session)).filter((it) => it.type === type)
  const set = async (session: string, when: string, more = {}) => {
    const args = { when, message: 'say the timer rang', name: 'bell', ...more }
    const { session_id } = await service.say(session, `call schedule ${JSON.stringify(args)}`)
    await eventually(async () => (await typesOf(session_id, 'tool.result')).length > 0, PATIENT_MS)
    expect(await typesOf(session_id, 'timer.set')).to.have.length(1)
    return session_id as string
  }
  const rang = (session: string) => async () =>
    (await typesOf(session, 'assistant.final')).some(({ message }) => message === 'the timer rang')

  it('tells its session at its time, which may be asleep', async () => {
    const session = await set('asleep', soon(6_000))
    expect((await service.get(`/v1/sessions/${session}/timers`)).body.timers).to.have.length(1)
    await eventually(rang(session), PATIENT_MS)
    const [fired] = await typesOf(session, 'timer.fired')
    expect(fired?.metadata).to.include({ missed: 0 })
    expect((await service.get(`/v1/sessions/${session}/timers`)).body.timers).to.deep.equal([])
  })

  it('rings once although the process was dead at its time', async () => {
    const session = await set('dead', soon(6_000))
    const [timer] = (await service.get(`/v1/sessions/${session}/timers`)).body.timers
    await service.kill()
    await eventually(() => Date.now() > Date.parse(timer.due) + 500, PATIENT_MS)
    await service.start()
    await eventually(rang(session), PATIENT_MS)
    expect(await typesOf(session, 'timer.fired')).to.have.length(1)
    expect(await typesOf(session, 'user.message')).to.have.length(2)
  })

  it('rings once although the process is killed as it rings', async () => {
    const session = await set('ringing', soon(6_000))
    await eventually(async () => (await typesOf(session, 'timer.fired')).length > 0, PATIENT_MS)
    await service.kill()
    await service.start()
    await eventually(rang(session), PATIENT_MS)
    expect(await typesOf(session, 'timer.fired')).to.have.length(1)
    expect(await typesOf(session, 'assistant.final')).to.have.length(2)
  })

  it('is listed and cancelled by HTTP and by the command line', async () => {
    const session = await set('cancelled', '0 9 * * *', { time_zone: 'Europe/Berlin' })
    const listed = await service.soma(['timers', 'list', session, '--json'])
    expect(JSON.parse(listed.stdout)).to.include({ name: 'bell', cron: '0 9 * * *' })
    expect((await service.soma(['timers', 'cancel', session, 'bell'])).code).to.equal(0)
    await eventually(async () => (await service.get(`/v1/sessions/${session}/timers`)).body.timers.length === 0)
    const again = await service.request('DELETE', `/v1/sessions/${session}/timers/bell`)
    expect(again.body.code).to.equal('TIMER_NOT_FOUND')
  })

  it('is refused with a reason that the model reads', async () => {
    const { session_id } = await service.say('refused', 'call schedule {"when":"* * * * * *","message":"say x"}')
    await eventually(async () => (await typesOf(session_id, 'tool.result')).length > 0)
    const [result] = await typesOf(session_id, 'tool.result')
    expect(result?.metadata).to.include({ status: 'error', code: 'TOOL_ARGUMENTS' })
    expect(result?.message).to.include('five fields')
  })
})
