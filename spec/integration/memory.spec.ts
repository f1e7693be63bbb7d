import { join } from 'node:path'
import { expect } from 'chai'
import { SignJWT } from 'jose'
import { packageRoot } from '../../infra/package-root.ts'
import { Service } from '../support/service.ts'

const secret = 'a-secret-of-thirty-two-characters!'
const policy = join(packageRoot, 'infra/policy/default.yaml')

function tokenOf(tenant: string, scope = ''): Promise<string> {
  const key = new TextEncoder().encode(secret)
  return new SignJWT({ tenant, scope }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1h').sign(key)
}

/** The service as its users run it, one process, with tenants told apart by their tokens. */
describe('memory over HTTP', function () {
  this.timeout(120_000)
  let service: Service
  let acme: Record<string, string>
  let umbrella: Record<string, string>
  before(async () => {
    service = await Service.start({ env: { GATEWAY_JWT_SECRET: secret, SOMA_POLICY_FILE: policy } })
    acme = { authorization: `Bearer ${await tokenOf('acme', 'admin')}` }
    umbrella = { authorization: `Bearer ${await tokenOf('umbrella')}` }
  })
  after(() => service.release())

  const remember = (body: object, headers: object = {}) =>
    service.post('/v1/memory/remember', body, { ...acme, ...headers })
  const recall = async (query: string, headers = acme) =>
    (await service.post('/v1/memory/recall', { query }, headers)).body.results.map(({ text }: { text: string }) => text)

  it('keeps tenants apart on every route, whatever the body says', async () => {
    await remember({ key: 'plan', text: 'the secret plan of acme' })
    const theirs = { key: 'plan', text: 'the plan of umbrella', tenant: 'acme' }
    await service.post('/v1/memory/remember', theirs, umbrella)
    expect(await recall('plan', umbrella)).to.deep.equal(['the plan of umbrella'])
    const list = await service.request('GET', '/v1/memory?tenant=acme', undefined, umbrella)
    expect(list.body.memories.map(({ text }: { text: string }) => text)).to.deep.equal(['the plan of umbrella'])
    const exported = await service.request('GET', '/v1/memory/export', undefined, umbrella)
    expect(JSON.stringify(exported.body)).not.to.contain('secret')
    expect((await service.request('GET', '/v1/admin/memory', undefined, umbrella)).status).to.equal(403)
    const other = await service.request('GET', '/v1/admin/memory?tenant=umbrella', undefined, acme)
    expect(other.status, 'admin, but not of all').to.equal(403)
    expect((await service.request('DELETE', '/v1/memory/default/plan', undefined, umbrella)).status).to.equal(200)
    expect((await service.request('DELETE', '/v1/memory/default/plan', undefined, umbrella)).status).to.equal(404)
    expect(await recall('plan')).to.deep.equal(['the secret plan of acme'])
    expect((await service.post('/v1/memory/recall', { query: 'plan' })).status).to.equal(401)
  })

  it('answers SomaBrain’s clients with its fields', async () => {
    const body = { key: 'hello', value: { task: 'say hello' }, meta: { a: 1 }, tags: ['x'] }
    const { body: kept } = await service.post('/memory/remember', body, acme)
    expect(kept).to.deep.include({
      ok: true,
      tenant: 'acme',
      promoted_to_wm: false,
      persisted_to_ltm: true,
      queued: false,
    })
    expect(kept.coordinate.map((part: number) => Number(part.toFixed(6)))).to.deep.equal([
      -0.125032, -0.721983, 0.246643,
    ])
    const { body: found } = await service.post('/memory/recall', { query: 'say hello', top_k: 1 }, acme)
    expect(found.results[0].payload).to.deep.include({ key: 'hello', task: 'say hello', somabrain: { meta: { a: 1 } } })
  })

  it('takes a batch, answers each for itself, and exports what batch reads', async () => {
    const memories = [{ key: 'b1', text: 'batch one' }, { text: '' }, { key: 'b2', text: 'batch two', namespace: 'wm' }]
    const { body } = await service.post('/v1/memory/batch', { memories }, acme)
    expect(body.results.map((one: { error?: { code: string } }) => one.error?.code ?? 'ok')).to.deep.equal([
      'ok',
      'INVALID_REQUEST',
      'ok',
    ])
    const { body: lines } = await service.request('GET', '/v1/memory/export?search=batch', undefined, acme)
    const read = (lines as string).trim().split('\n')
    expect(read.map((line) => JSON.parse(line).key)).to.have.members(['b1', 'b2'])
  })

  it('tells what is wrong with a request', async () => {
    for (const [body, word] of [
      [{}, 'text'],
      [{ text: 'x', importance: 2 }, 'importance'],
      [{ text: 'x', key: 'k'.repeat(201) }, 'key'],
      [{ text: 'x', tags: Array.from({ length: 33 }, (_, n) => `${n}`) }, 'tags'],
    ] as const) {
      const { status, body: problem } = await remember(body)
      expect(status).to.equal(400)
      expect(JSON.stringify(problem.errors)).to.contain(word)
    }
    expect((await service.request('GET', '/v1/memory?before=x', undefined, acme)).body.code).to.equal('INVALID_CURSOR')
    const key = { 'idempotency-key': 'one-key' }
    expect((await remember({ text: 'a' }, key)).status).to.equal(200)
    expect((await remember({ text: 'b' }, key)).body.code).to.equal('IDEMPOTENCY_CONFLICT')
  })

  it('loses nothing and does nothing twice when the process is killed while it remembers', async () => {
    const ids = Array.from({ length: 60 }, (_, n) => `kill-${n}`)
    const send = (id: string) =>
      remember({ key: id, text: `kept ${id}`, namespace: 'kill' }, { 'idempotency-key': id }).then(
        ({ status }) => status === 200,
        () => false,
      )
    const first = ids.map(send)
    await Promise.race(first.slice(10))
    await service.kill()
    const before = await Promise.all(first)
    await service.start()
    const { body: kept } = await service.request('GET', '/v1/memory?namespace=kill&limit=200', undefined, acme)
    const there = new Set(kept.memories.map(({ key }: { key: string }) => key))
    expect(
      ids.filter((id, n) => before[n] && !there.has(id)),
      'answered, and lost',
    ).to.deep.equal([])
    const answers = await Promise.all(
      ids.map((id) => remember({ key: id, text: `kept ${id}`, namespace: 'kill' }, { 'idempotency-key': id })),
    )
    expect(answers.map(({ status, body }) => [status, body.replaced])).to.deep.equal(ids.map(() => [200, false]))
    const { body: all } = await service.request('GET', '/v1/memory?namespace=kill&limit=200', undefined, acme)
    expect(all.memories.length).to.equal(ids.length)
    expect(await recall('kill-59')).to.include('kept kill-59')
  })

  it('lets an agent remember in one session and recall in another', async () => {
    const call = (name: string, args: object) => `call ${name} ${JSON.stringify(args)}`
    const say = async (session: string, message: string) => {
      const { body } = await service.post('/v1/session/message', { session_id: session, message }, acme)
      for (;;) {
        const events = await service.request('GET', `/v1/sessions/${body.session_id}/events?limit=500`, undefined, acme)
        const payloads = events.body.events.map(({ payload }: { payload: { type: string } }) => payload)
        const final = payloads.find(
          (one: { type: string; metadata: { turn_id: string } }) =>
            one.type === 'assistant.final' && one.metadata.turn_id === body.event_id,
        )
        if (final) return final.message as string
      }
    }
    const text = 'The user prefers tea.'
    expect(await say('one', call('memory_remember', { text, key: 'drink' }))).to.contain('under the key drink')
    expect(await say('two', call('memory_recall', { query: 'what does the user prefer' }))).to.contain(text)
    expect(await say('two', call('memory_forget', { keys: ['drink'] }))).to.contain('Forgotten: drink')
  })
})
