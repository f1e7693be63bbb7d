import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { eventually as within } from '../support/eventually.ts'
import { Service } from '../support/service.ts'
import { SseReader } from '../support/sse-reader.ts'

const head = (name: string, more: string) =>
  `name: '${name}', description: 'For a spec.', timeoutMs: 20_000, reaches: ['nothing'], schema: z.object({}), ${more}`

/** Each run leaves a line in a file, which no crash takes back. */
const noted = (name: string, more: string, body: string) => `import { appendFileSync } from 'node:fs'
let runs = 0
export default ({ z }) => ({ ${head(name, more)}, async run(_, { progress, signal }) {
  runs++
  appendFileSync(process.env.SOMA_SPEC_RUNS, '${name}\\n')
  ${body}
} })`

const forever = 'await new Promise(() => {})'
const tools = {
  hang: noted('hang', 'idempotent: false, timeoutMs: 300', forever),
  throws: noted('throws', 'idempotent: true', "throw new Error('it broke')"),
  letter: noted('letter', 'idempotent: false', forever),
  reading: noted('reading', 'idempotent: true', `if (process.env.SOMA_SPEC_STUCK) ${forever}; return 'read'`),
  exits: noted('exits', 'idempotent: true', 'process.exit(7)'),
  flood: noted('flood', 'idempotent: true, maxOutput: 1_000', "return 'x'.repeat(5_000_000)"),
  steps: noted('steps', 'idempotent: true', `progress('half way'); progress(0.75); ${forever}`),
  one: noted('one', 'idempotent: true, concurrency: 1', forever),
  secret: noted('secret', 'idempotent: true', "return 'the secret is 42'"),
}

/** Starts of a process on a busy machine take their time. */
const eventually = (condition: () => boolean | Promise<boolean>) => within(condition, 60_000)

interface Told {
  readonly type: string
  readonly message: string
  readonly metadata: Readonly<Record<string, unknown>>
}

describe('tools that fail in every way, on a real process', function () {
  this.timeout(300_000)
  let service: Service
  let runsFile: string
  const session = async (name: string) => (await service.say(name, 'say hello')).session_id

  before(async () => {
    const env = { TOOL_EXECUTOR_MAX_WAITING_PER_TENANT: '2', SOMA_SPEC_STUCK: '1' }
    service = await Service.start({ tools, env: { ...env, SOMA_SPEC_RUNS: '/dev/null' } })
    await service.stop()
    runsFile = service.folder.write('runs', '')
    Object.assign(service.env, { SOMA_SPEC_RUNS: runsFile })
    await service.start()
  })
  after(() => service.release())

  const runsOf = (tool: string) =>
    readFileSync(runsFile, 'utf8')
      .split('\n')
      .filter((line) => line === tool).length
  const eventsOf = async (id: string): Promise<Told[]> =>
    (await service.get(`/v1/sessions/${id}/events?limit=500`)).body.events.map(
      ({ payload }: { payload: Told }) => payload,
    )
  const resultsOf = async (id: string) => (await eventsOf(id)).filter(({ type }) => type === 'tool.result')
  const ask = (name: string, tool: string) => service.post('/v1/tool/request', { session_id: name, tool_name: tool })
  const result = async (id: string): Promise<Told> => {
    await eventually(async () => (await resultsOf(id)).length > 0)
    return (await resultsOf(id))[0] as Told
  }

  it('a tool that hangs is a timeout, and says that it may have taken effect', async () => {
    const id = await session('hang')
    await ask('hang', 'hang')
    const { message, metadata } = await result(id)
    expect(metadata).to.include({ status: 'timeout', code: 'TOOL_TIMEOUT' })
    expect(message).to.include('may or may not')
  })

  it('a tool that throws is an error, and one that floods is cut and kept whole: the process lives', async () => {
    const [thrown, flooded] = [await session('throws'), await session('flood')]
    await ask('throws', 'throws')
    await ask('flood', 'flood')
    expect((await result(thrown)).metadata).to.include({ status: 'error', code: 'TOOL_FAILED' })
    const { message, metadata } = await result(flooded)
    expect(metadata).to.include({ status: 'success', truncated: true })
    expect(message).to.have.length.below(1_200).and.include('of 5000000 characters')
    const [, kept] = /the whole is the attachment (\S+):/.exec(message) ?? []
    const whole = await service.get(`/v1/attachments/${kept}`)
    expect([whole.status, whole.body.length]).to.deep.equal([200, 5_000_000])
    expect((await service.get('/healthz')).status).to.equal(200)
  })

  it('a tool shows its progress on the stream while it runs, and none of it is in the journal', async () => {
    const id = await session('steps')
    const reader = await SseReader.open(`${service.url}/v1/session/${id}/events`)
    await ask('steps', 'steps')
    const shown: Told[] = []
    while (shown.length < 2) {
      const frame = await reader.next()
      const event = JSON.parse(frame?.data ?? '{}') as Told
      if (event.type === 'tool.progress') shown.push(event)
    }
    reader.close()
    expect(shown[0]).to.deep.include({ type: 'tool.progress', message: 'half way' })
    expect(shown[0]?.metadata).to.include({ tool_name: 'steps', progress_index: 0, source: 'tool_executor' })
    expect(shown[1]?.metadata).to.include({ fraction: 0.75 })
    expect((await eventsOf(id)).map(({ type }) => type)).not.to.include('tool.progress')
  })

  it('I9: more calls than may wait are answered at once with when to come again', async () => {
    const id = await session('crowd')
    for (let n = 0; n < 4; n++) expect((await ask('crowd', 'one')).status).to.equal(200)
    const { metadata } = await result(id)
    expect(metadata).to.include({ status: 'error', code: 'TOOL_QUEUE_FULL', retry_after: 1 })
    await eventually(async () => {
      const catalog = (await service.get('/v1/tool-catalog')).body as { name: string }[]
      const { running, waiting } = catalog.find(({ name }) => name === 'one') as unknown as Record<string, number>
      return running === 1 && waiting === 2
    })
  })

  it('T2: after SIGKILL a tool that is not idempotent is UNKNOWN and ran once; one that is, runs again', async () => {
    const [letter, reading] = [await session('letter'), await session('reading')]
    await ask('letter', 'letter')
    await ask('reading', 'reading')
    await eventually(() => runsOf('letter') === 1 && runsOf('reading') === 1)
    await service.kill()
    Object.assign(service.env, { SOMA_SPEC_STUCK: '' })
    await service.start()
    const { message, metadata } = await result(letter)
    expect(metadata).to.include({ status: 'unknown', code: 'TOOL_OUTCOME_UNKNOWN' })
    expect(message).to.include('may or may not')
    expect((await result(reading)).metadata).to.include({ status: 'success' })
    expect([runsOf('letter'), runsOf('reading')]).to.deep.equal([1, 2])
    expect(await resultsOf(letter)).to.have.length(1)
  })

  it('T5: a tool that ends its process is given up after it has done so four times, and the rest goes on', async () => {
    const id = await session('exits')
    await ask('exits', 'exits')
    for (let deaths = 1; deaths <= 4; deaths++) {
      await eventually(() => runsOf('exits') === deaths && !service.process.running)
      service.process.start()
    }
    await service.process.ready()
    const { message, metadata } = await result(id)
    expect(metadata).to.include({ status: 'error', code: 'TOOL_FAILED' })
    expect(message).to.include('died 4 times')
    expect(runsOf('exits')).to.equal(4)
  })

  it('a denied call is answered at once, waits for an operator, and runs once when allowed, for the session to see', async () => {
    service.folder.write(
      'policy.yaml',
      "rules: [{ effect: deny, tool: secret, reason: 'Not today.' }, { effect: allow, tool: '*' }]\n",
    )
    const id = await session('secret')
    await service.post('/v1/tool/request', {
      ...{ session_id: 'secret', tool_name: 'secret' },
      metadata: { requeue_override: true, approval: { by: 'me' } },
    })
    expect((await result(id)).metadata).to.include({ status: 'blocked', code: 'TOOL_DENIED' })
    const [denied] = (await service.get('/v1/requeue')).body.calls
    expect(denied).to.include({ session_id: id, tool_name: 'secret' })
    expect(denied.decision.reason).to.include('Not today.')
    const at = `/v1/requeue/${encodeURIComponent(denied.id)}`
    const allow = { action: 'allow', why: 'asked on the phone' }
    expect((await service.post(`${at}/resolve`, allow)).body).to.include({ status: 'sent' })
    expect((await service.post(`${at}/resolve`, allow)).status).to.equal(200)
    expect((await service.post(`${at}/resolve`, { action: 'deny', why: 'no' })).body.code).to.equal(
      'REQUEUED_CALL_RESOLVED',
    )
    await eventually(async () => (await eventsOf(id)).some(({ type }) => type === 'session.injected'))
    const events = await eventsOf(id)
    const injected = events.filter(({ type }) => type === 'session.injected')
    expect(injected).to.have.length(1)
    expect(injected[0]?.message).to.include('the secret is 42')
    expect(injected[0]?.metadata).to.include({ why: 'asked on the phone' })
    expect(runsOf('secret')).to.equal(1)
    expect((await service.get('/v1/requeue')).body.calls).to.deep.equal([])
    expect((await service.get('/v1/requeue/nobody')).body.code).to.equal('REQUEUED_CALL_NOT_FOUND')
  })

  it('a tool is switched off durably, with who and why, and on again', async () => {
    const off = await service.request('PUT', '/v1/tool-catalog/throws', { enabled: false, why: 'it breaks' })
    expect(off.body).to.include({ name: 'throws', enabled: false })
    await service.kill()
    await service.start()
    const refused = await ask('throws', 'throws')
    expect([refused.status, refused.body.code]).to.deep.equal([403, 'TOOL_DISABLED'])
    expect(refused.body.detail).to.include('it breaks')
    const on = await service.request('PUT', '/v1/tool-catalog/throws', { enabled: true })
    expect(on.body.switches[0]).to.include({ enabled: true, tenant: 'local' })
    expect((await ask('throws', 'throws')).status).to.equal(200)
    expect((await service.request('PUT', '/v1/tool-catalog/nobody', { enabled: true })).body.code).to.equal(
      'TOOL_NOT_FOUND',
    )
  })

  it('the audit export tells each call, its decision and its end, from the journal', async () => {
    const text = (await service.get('/v1/admin/audit/export')).body as string
    const rows = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const of = (tool: string) => rows.filter(({ resource }) => resource === tool).map(({ action }) => action)
    expect(of('secret').sort()).to.deep.equal([
      ...['tool.execute.finish', 'tool.execute.start', 'tool.policy.decision'],
      ...['tool.request.denied', 'tool.request.enqueue', 'tool.request.enqueue'],
    ])
    const decided = rows.find(({ resource, action }) => resource === 'secret' && action === 'tool.policy.decision')
    expect(decided.details.decision).to.include({ allow: true, policy: 'operator' })
    expect(decided.details.input).to.include({ action: 'tool.execute', resource: 'secret' })
    expect(of('throws').filter((action) => action === 'tool.switch')).to.have.length(2)
    const cut = (await service.get('/v1/admin/audit/export?limit=1')).body as string
    expect(JSON.parse(cut.trim().split('\n')[1] as string)).to.deep.equal({ truncated: true, limit: 1 })
  })
})
