import { expect } from 'chai'
import { address, shardOf } from '../../../actors/kernel/address.ts'
import { toAnnouncement } from '../../../actors/session/conversation-events.ts'
import type { SessionCommand } from '../../../actors/session/protocol.ts'
import type { ToolOutcome } from '../../../actors/tool/protocol.ts'
import type { LogRecord } from '../../../transports/kafka/fetch-client.ts'
import type { WrittenRecord } from '../../../transports/kafka/log-writer.ts'
import { conversationFeed } from '../../../transports/kafka/outbound-publisher.ts'
import { fromPublic } from '../../../transports/kafka/public-messages.ts'
import { isToolAnswer } from '../../../transports/kafka/tool-answers.ts'
import { toolRequests } from '../../../transports/kafka/topics.ts'
import { AT } from '../../support/given-append.ts'
import { GivenSession, SESSION_ID } from '../../support/given-session.ts'

const metadata = { tenant: 'acme', ticket: 4711 }
const parts = { tenant: 'acme', urlRefusal: () => undefined }
const callId = `${SESSION_ID}/asked-1`
const request = {
  ...{ event_id: 'asked-1', session_id: SESSION_ID, persona_id: null },
  ...{ tool_name: 'echo', args: { text: 'x' }, metadata },
}

function asked(from: object = request): SessionCommand {
  const value = Buffer.from(JSON.stringify(from))
  return fromPublic(toolRequests, { offset: 0, timestamp: AT, key: null, value, headers: {} }, parts).body
}

function returned(outcome: Partial<ToolOutcome> = {}): SessionCommand {
  const done = { status: 'success', output: 'x', startedAt: AT, finishedAt: AT + 1_500 } as const
  return { kind: 'ToolReturned', v: 1, callId, outcome: { ...done, ...outcome } }
}

/** What is published of a session's whole journal, by topic. */
function published(session: GivenSession) {
  const feed = conversationFeed(() => {
    throw new Error('nothing is read again here')
  }, 'x.')
  const records = session.events.flatMap((event, index) =>
    feed.recordsOf(toAnnouncement(SESSION_ID, { seq: index + 1, at: AT }, event), 'x.conversation.outbound'),
  )
  const on = (topic: string) => records.filter((record) => record.topic === topic)
  return { events: on('x.conversation.outbound'), answers: on('x.tool.results') }
}

const contentOf = (record: WrittenRecord | undefined) => JSON.parse(String(record?.value))

describe('an answer to an outsider that asked on tool.requests', () => {
  it('has the fields of the old tool_result, is JSON by its header, and names what was asked', () => {
    const session = new GivenSession()
    session.tell(asked())
    session.tell(returned())
    const [answer, ...others] = published(session).answers
    expect(others).to.deep.equal([])
    expect(answer).to.deep.include({ key: SESSION_ID, partition: shardOf(address('session', SESSION_ID)) })
    expect(answer?.headers).to.include({ 'content-type': 'application/json' })
    const content = contentOf(answer)
    expect(content.event_id).to.be.a('string').and.not.equal('asked-1')
    expect(content).to.deep.equal({
      event_id: content.event_id,
      session_id: SESSION_ID,
      persona_id: 'soma',
      tool_name: 'echo',
      status: 'success',
      payload: { output: 'x' },
      metadata: { ...metadata, call_id: callId, request_event_id: 'asked-1' },
      execution_time: 1.5,
    })
  })

  it('is the same whenever it is published again, and another for another call', () => {
    const idOf = (event_id: string) => {
      const session = new GivenSession()
      session.tell(asked({ ...request, event_id }))
      session.tell({ ...returned(), callId: `${SESSION_ID}/${event_id}` } as SessionCommand)
      const [first, again] = [published(session), published(session)].map(({ answers }) => answers[0])
      expect(first).to.deep.equal(again)
      return contentOf(first).event_id
    }
    expect(idOf('asked-1')).to.equal(idOf('asked-1')).and.not.equal(idOf('asked-2'))
  })

  const failed: [Partial<ToolOutcome>, string, object][] = [
    [{ status: 'blocked', code: 'TOOL_DENIED', output: 'no' }, 'blocked', { message: 'no', code: 'TOOL_DENIED' }],
    [{ status: 'circuit_open', retryAfter: 7, output: 'no' }, 'circuit_open', { message: 'no', retry_after: 7 }],
    [{ status: 'unknown', output: 'lost' }, 'error', { message: 'lost', outcome: 'unknown' }],
    [{ status: 'cancelled', output: 'stopped' }, 'error', { message: 'stopped', outcome: 'cancelled' }],
  ]
  for (const [outcome, status, payload] of failed) {
    it(`of a call that ended in ${outcome.status} has the status ${status} and says why`, () => {
      const session = new GivenSession()
      session.tell(asked())
      session.tell(returned(outcome))
      const content = contentOf(published(session).answers[0])
      expect(content.status).to.equal(status)
      expect(content.payload).to.include(payload)
    })
  }

  it('is sent once, however often its result comes, and whatever becomes of the session', () => {
    const session = new GivenSession()
    session.tell(asked())
    session.tell(returned())
    session.tell(returned())
    session.tell({ kind: 'Delete', v: 1 })
    expect(published(session).answers).to.have.length(1)
  })

  it('comes when the session is deleted before its result, and the call is cancelled', () => {
    const session = new GivenSession()
    session.tell(asked())
    const { outbox } = session.tell({ kind: 'Delete', v: 1 })
    expect(outbox?.map(({ to, body }) => [to, (body as { kind: string }).kind])).to.deep.include([
      `tool:${callId}`,
      'Cancel',
    ])
    const content = contentOf(published(session).answers[0])
    expect(content).to.deep.include({ status: 'error', tool_name: 'echo' })
    expect(content.payload.message).to.include('the session was deleted')
  })

  it('is given for no other call: of a turn, or asked for over HTTP', () => {
    const session = new GivenSession()
    const { answered: _, ...overHttp } = asked() as Extract<SessionCommand, { kind: 'RequestTool' }>
    session.tell(overHttp)
    session.tell(returned())
    session.user('t1')
    session.asksFor('echo {}')
    session.returns()
    const { events, answers } = published(session)
    expect([events.length, answers.length]).to.deep.equal([session.events.length, 0])
  })

  it('is known as ours when its session reads it', () => {
    const session = new GivenSession()
    session.tell(asked())
    session.tell(returned())
    const [answer] = published(session).answers
    const headers = Object.entries(answer?.headers ?? {}).map(([name, it]) => [name, Buffer.from(it)] as const)
    expect(isToolAnswer({ headers: Object.fromEntries(headers) } as unknown as LogRecord)).to.equal(true)
    expect(isToolAnswer({ headers: {} } as unknown as LogRecord)).to.equal(false)
  })

  it('cannot be asked for with more metadata than is told again', () => {
    expect(() => asked({ ...request, metadata: { long: 'x'.repeat(64_000) } })).to.throw('told again with the result')
  })
})
