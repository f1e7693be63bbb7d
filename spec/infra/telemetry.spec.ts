import { expect } from 'chai'
import fc from 'fast-check'
import { createLogger } from '../../infra/telemetry/logger.ts'
import { Metrics } from '../../infra/telemetry/metrics.ts'
import { redactor } from '../../infra/telemetry/redaction.ts'
import { turnMetrics } from '../../infra/telemetry/turn-metrics.ts'
import type { Announcement } from '../../transports/outbound.ts'

function logged(secrets: readonly string[] = []) {
  const lines: string[] = []
  const log = createLogger({ level: 'info', format: 'json', secrets, to: { write: (line) => void lines.push(line) } })
  return { log, lines }
}

describe('log', () => {
  it('writes one line of JSON per event, with the fields that are bound to it', () => {
    const { log, lines } = logged()
    log.child({ address: 'session:1' }).info({ turn: 't1' }, 'turn\nended')
    log.debug({}, 'below the level')
    expect(lines).to.have.length(1)
    expect(lines[0]?.trimEnd()).not.to.include('\n')
    expect(JSON.parse(lines[0] as string)).to.include({
      level: 'info',
      address: 'session:1',
      turn: 't1',
      msg: 'turn\nended',
    })
  })

  it('tells an error with its cause', () => {
    const { log, lines } = logged()
    log.error({ error: new Error('outer', { cause: new Error('inner') }) }, 'failed')
    expect(JSON.parse(lines[0] as string).error.message).to.include('outer')
    expect(lines[0]).to.include('inner')
  })

  it('hides credentials wherever they stand: fields, headers, addresses, messages, causes', () => {
    const { log, lines } = logged()
    log.info(
      { headers: { authorization: 'Bearer abcdef123456', 'x-api-key': 'k-123456' }, access_token: 'tok-1' },
      'in',
    )
    log.info({ error: new Error('connect postgres://soma:s3cr3t@db:5432/soma failed') }, 'db')
    log.info(
      { a: { b: [{ password: 'deep"quoted' }] } },
      'sent Bearer zyxwvu987654 to https://u:pw9@host/?token=qwe&x=1',
    )
    log.info({}, 'key sk-proj-abcdefghij and eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc')
    const text = lines.join('')
    for (const secret of [
      'abcdef123456',
      'k-123456',
      'tok-1',
      's3cr3t',
      'quoted',
      'zyxwvu987654',
      'pw9',
      'token=qwe',
      'sk-proj',
      'eyJhbG',
    ]) {
      expect(text, secret).not.to.include(secret)
    }
    expect(text).to.include('postgres://soma:[redacted]@db:5432/soma')
    for (const line of lines) expect(() => JSON.parse(line)).not.to.throw()
  })

  it('leaves token counts readable', () => {
    const { log, lines } = logged()
    log.info({ prompt_tokens: 12, tokens: 30, url: 'http://127.0.0.1:8010' }, 'used')
    expect(JSON.parse(lines[0] as string)).to.include({ prompt_tokens: 12, tokens: 30, url: 'http://127.0.0.1:8010' })
  })

  it('never lets a configured secret through, whatever it is made of', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 6, maxLength: 40 }), fc.string(), (secret, around) => {
        fc.pre(secret.trim() === secret && !'[redacted]'.includes(secret) && !around.includes(secret))
        const line = JSON.stringify({ detail: `x ${secret} y` })
        const escaped = JSON.stringify(secret).slice(1, -1)
        const safe = redactor([secret])(line)
        expect(safe.replaceAll('[redacted]', '')).not.to.include(` ${escaped} `)
      }),
    )
  })
})

describe('metrics', () => {
  it('count apart in two instances of one process', async () => {
    const [one, other] = [new Metrics(), new Metrics()]
    one.handled('session', 'ok', 0.002)
    expect((await one.scrape()).body).to.include('soma_actor_messages_total{type="session",outcome="ok"} 1')
    expect((await one.scrape()).body).to.include('conversation_worker_messages_total{result="success"} 1')
    expect((await other.scrape()).body).not.to.include('soma_actor_messages_total{')
  })

  it('ask for the depth of the dead letters at each scrape, and survive that nobody answers', async () => {
    const metrics = new Metrics()
    let answer = async (): Promise<ReadonlyMap<string, number>> => new Map([['conversation.inbound', 3]])
    metrics.watchDeadLetters(() => answer())
    expect((await metrics.scrape()).body).to.include('gateway_dlq_depth{topic="conversation.inbound"} 3')
    answer = () => Promise.reject(new Error('the journal is down'))
    expect((await metrics.scrape()).body).not.to.include('gateway_dlq_depth{')
  })

  it('time a turn from its acceptance to its final, and count its tokens once', async () => {
    const metrics = new Metrics()
    const hear = turnMetrics(metrics)
    hear(announced('user.message', 1_000, { turn_id: 't1' }))
    hear(
      announced('assistant.final', 1_250, {
        turn_id: 't1',
        outcome: 'completed',
        usage: { prompt_tokens: 7, completion_tokens: 5, cost_usd: 0.01 },
      }),
    )
    const { body } = await metrics.scrape()
    expect(body).to.include('conversation_worker_processing_seconds_sum{path="completed"} 0.25')
    expect(body).to.include('soma_model_tokens_total{kind="prompt"} 7')
    expect(body).to.include('soma_model_tokens_total{kind="completion"} 5')
  })
})

function announced(type: string, at: number, metadata: Record<string, unknown>): Announcement {
  const event = {
    event_id: 's/1',
    session_id: 's',
    persona_id: 'p',
    role: 'user',
    type,
    message: '',
    version: 'sa01-v1',
    metadata,
  } as const
  return { sessionId: 's', seq: 1, at, event }
}
