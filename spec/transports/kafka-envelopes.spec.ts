import { expect } from 'chai'
import { pack } from 'msgpackr'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { asFailure } from '../../actors/kernel/failure.ts'
import { decodeEnvelope, encodeEnvelope, isEnvelope } from '../../transports/kafka/envelope-codec.ts'
import type { LogRecord } from '../../transports/kafka/fetch-client.ts'
import { fromPublic } from '../../transports/kafka/public-messages.ts'
import {
  inbound,
  memoryRequests,
  type Topic,
  toolRequests,
  toolResults,
  topicOf,
} from '../../transports/kafka/topics.ts'
import { originalOf, recordOf, undecodable } from '../../transports/kafka/undecodable.ts'
import { AT, anEnvelope } from '../support/given-append.ts'

const parts = { tenant: 'acme', urlRefusal: () => undefined }
const sessionId = '0b6f2c1e-7d4a-4f5b-9a53-1f0d9ad8b111'

function aRecord(value: unknown, headers: Record<string, Buffer> = {}): LogRecord {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return { offset: 7, timestamp: AT, key: null, value: Buffer.from(text), headers }
}

describe('envelopes on Kafka', () => {
  const sent = (envelope: Envelope) => {
    const { value, headers } = encodeEnvelope(envelope)
    return { value, headers: Object.fromEntries(Object.entries(headers).map(([name, it]) => [name, Buffer.from(it)])) }
  }
  const arrived = (envelope: Envelope) => {
    const { value, headers } = sent(envelope)
    return decodeEnvelope(value, headers)
  }

  it('arrive as they were sent, also with what UTF-8 cannot carry', () => {
    for (const body of [{ n: 1 }, { odd: '\0\ud800', fine: '\ufffd' }, { deep: [null, { text: 'ü€😀' }] }, 'x', null]) {
      const envelope = anEnvelope({ body, cause: 'c', deadline: 5, trace: { traceparent: 't' } })
      expect(arrived(envelope)).to.deep.equal(envelope)
    }
  })

  it('of a version from the future are refused, with both versions', () => {
    const { value } = sent(anEnvelope())
    const headers = { 'soma-envelope': Buffer.from('2') }
    expect(isEnvelope(headers)).to.equal(true)
    expect(() => decodeEnvelope(value, headers)).to.throw('envelope version 2; this node reads 1')
  })

  it('are refused when a field that nodes rely on is not what it must be', () => {
    const wrong: Record<string, unknown>[] = [
      { id: '' },
      { to: 'nobody' },
      { from: 7 },
      { tenant: undefined },
      { priority: 'urgent' },
      { trace: null },
      { sentAt: 'now' },
    ]
    for (const change of wrong) {
      const broken = { ...anEnvelope(), ...change } as unknown as Envelope
      expect(() => arrived(broken), JSON.stringify(change)).to.throw(Object.keys(change)[0] as string)
    }
    const headers = { 'soma-envelope': Buffer.from('1') }
    expect(() => decodeEnvelope(Buffer.from([0x92, 0x01]), headers)).to.throw('no envelope that can be read')
    expect(() => decodeEnvelope(null, headers)).to.throw('MALFORMED_MESSAGE')
  })

  it('travel on the topic of their kind, and none on tool.results, which outsiders read as JSON', () => {
    const topic = (to: Envelope['to'], from: string) => topicOf(anEnvelope({ to, from })).name
    expect(topic('session:a', 'gateway')).to.equal('conversation.inbound')
    expect(topic('session:a', 'session:b')).to.equal('conversation.inbound')
    expect(topic('session:a', 'tool:a/1')).to.equal('conversation.inbound')
    expect(topic('tool:a/1', 'session:a')).to.equal('tool.requests')
    expect(topic('memory:a', 'session:a')).to.equal(memoryRequests.name)
  })
})

describe('public messages on Kafka', () => {
  const base = { event_id: 'e1', session_id: sessionId, metadata: {} }

  it('of a user become a turn of the session, under their own id', () => {
    const event = {
      ...base,
      role: 'user',
      message: 'hello',
      persona_id: 'analyst',
      trace_context: { traceparent: 't' },
    }
    expect(fromPublic(inbound, aRecord(event), parts)).to.deep.equal({
      id: 'e1',
      to: `session:${sessionId}`,
      from: 'kafka:conversation.inbound',
      tenant: 'acme',
      priority: 'normal',
      trace: { traceparent: 't' },
      sentAt: AT,
      body: {
        kind: 'AcceptUserTurn',
        v: 1,
        turnId: 'e1',
        text: 'hello',
        attachments: [],
        metadata: {},
        personaId: 'analyst',
      },
    })
  })

  it('of the system are injected; a tool may be asked for, and may answer', () => {
    const bodies: [Topic, object, object][] = [
      [inbound, { ...base, role: 'system', message: 'be brief' }, { kind: 'Inject' }],
      [toolRequests, { ...base, tool_name: 'echo', args: { text: 'x' } }, { kind: 'RequestTool', requestId: 'e1' }],
      [
        toolResults,
        { ...base, tool_name: 'echo', status: 'success', payload: { output: 'x' }, execution_time: 0.5 },
        {
          kind: 'ToolReturned',
          callId: 'e1',
          outcome: { status: 'success', output: 'x', startedAt: AT - 500, finishedAt: AT },
        },
      ],
    ]
    for (const [topic, message, body] of bodies) {
      expect(fromPublic(topic, aRecord(message), parts).body, topic.name).to.deep.include(body)
    }
  })

  it('name the session in whatever case', () => {
    const message = { ...base, session_id: sessionId.toUpperCase(), role: 'user', message: 'hello' }
    expect(fromPublic(inbound, aRecord(message), parts).to).to.equal(`session:${sessionId}`)
  })

  it('are refused with every field that is wrong', () => {
    const tool = { ...base, tool_name: 'echo', args: {} }
    const cases: [Topic, unknown, string][] = [
      [toolRequests, { ...tool, event_id: 'x'.repeat(101) }, 'event_id'],
      [toolRequests, { ...tool, event_id: 'x\0' }, 'event_id'],
      [inbound, 'not json', 'not JSON'],
      [inbound, { ...base, session_id: 'x', role: 'user', message: 'm' }, 'session_id'],
      [inbound, { ...base, role: 'robot', message: 'm' }, 'role'],
      [inbound, { ...base, role: 'user', message: 'm', tenant: 'other' }, 'tenant'],
      [inbound, { ...base, role: 'assistant', message: 'm' }, 'conversation.outbound'],
      [toolResults, { ...base, tool_name: 't', status: 'maybe', payload: {}, execution_time: 1 }, 'status'],
      [memoryRequests, base, 'envelopes only'],
    ]
    for (const [topic, message, names] of cases) {
      let refusal = asFailure(undefined)
      try {
        fromPublic(topic, aRecord(message), parts)
      } catch (error) {
        refusal = asFailure(error)
      }
      expect(refusal.code, String(names)).to.equal('MALFORMED_MESSAGE')
      expect(refusal.detail).to.include(names)
    }
  })
})

describe('nesting that would overflow the stack of whoever writes it again', () => {
  const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
  const refused = (work: () => unknown) => {
    try {
      work()
    } catch (error) {
      return asFailure(error).code
    }
    return 'taken'
  }

  it('is refused in a public message', () => {
    const message = (depth: number) =>
      aRecord(`{"event_id":"e1","session_id":"${sessionId}","role":"user","message":"m","metadata":${nested(depth)}}`)
    expect(refused(() => fromPublic(inbound, message(60), parts))).to.equal('taken')
    expect(refused(() => fromPublic(inbound, message(64), parts))).to.equal('MALFORMED_MESSAGE')
    expect(refused(() => fromPublic(inbound, message(20_000), parts))).to.equal('MALFORMED_MESSAGE')
  })

  it('is refused in an envelope, msgpack or JSON', () => {
    const body = (depth: number) => JSON.parse(nested(depth))
    for (const [depth, outcome] of [
      [150, 'taken'],
      [1_000, 'MALFORMED_MESSAGE'],
    ] as const) {
      const { value, headers } = encodeEnvelope({ ...anEnvelope(), body: body(depth) })
      expect(
        refused(() => decodeEnvelope(value, { 'soma-envelope': Buffer.from(`${headers['soma-envelope']}`) })),
      ).to.equal(outcome)
    }
    const json = Buffer.from(
      JSON.stringify({ ...anEnvelope(), body: 0 }).replace('"body":0', `"body":${nested(20_000)}`),
    )
    expect(refused(() => decodeEnvelope(json, { 'soma-envelope': Buffer.from('1; json') }))).to.equal(
      'MALFORMED_MESSAGE',
    )
  })

  it('is refused, as is all that the database could neither journal nor park', () => {
    const wrong: object[] = [
      { to: 'session:\0' },
      { id: 'x'.repeat(300) },
      { tenant: 'x'.repeat(300) },
      { trace: { traceparent: 5 } },
      { sentAt: Number.NaN },
      { body: { kind: 'Nope', x: 2n ** 60n } },
    ]
    for (const part of wrong) {
      const value = pack({ ...anEnvelope(), ...part })
      const outcome = refused(() => decodeEnvelope(value, { 'soma-envelope': Buffer.from('1') }))
      expect(outcome, Object.keys(part).join()).to.equal('MALFORMED_MESSAGE')
    }
  })

  it('stays text in what is shown of a dead letter', () => {
    const text = nested(20_000)
    expect(originalOf(undecodable(inbound, 3, aRecord(text)))).to.equal(text)
  })
})

describe('records that are nothing we know', () => {
  it('are kept whole, shown as what they were, and can be written again', () => {
    const json = aRecord({ strange: true }, { by: Buffer.from('someone') })
    const letter = undecodable(inbound, 3, json)
    expect(letter).to.include({ id: 'conversation.inbound/3/7', to: 'session:conversation.inbound/3' })
    expect(originalOf(letter)).to.deep.equal({ strange: true })
    const again = recordOf(letter, 'p.')
    expect(again).to.deep.include({ topic: 'p.conversation.inbound', partition: 3, headers: { by: 'someone' } })
    expect(again?.value).to.deep.equal(json.value)

    const bytes = { ...json, value: Buffer.from([0xff, 0xfe, 0]) }
    expect(recordOf(undecodable(inbound, 3, bytes), '')?.value).to.deep.equal(bytes.value)
    expect(recordOf(anEnvelope(), '')).to.equal(undefined)
  })
})
