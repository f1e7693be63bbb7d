import { expect } from 'chai'
import type { ConversationEvent } from '../../../transports/gateway/console/api/answers.ts'
import { Conversation } from '../../../transports/gateway/console/chat/conversation.ts'

/** A conversation that is told events one after the other, a second apart. */
class Told {
  readonly conversation = new Conversation()
  #seq = 0

  event(type: string, metadata: Record<string, unknown> = {}, message = ''): this {
    this.#seq++
    this.conversation.event(this.#of(type, metadata, message), this.#seq, this.#seq * 1_000)
    return this
  }

  preview(metadata: Record<string, unknown>): this {
    this.conversation.preview(this.#of('assistant.stream', { turn_id: 't1', step: 1, attempt: 1, ...metadata }, ''))
    return this
  }

  get words(): string[] {
    return this.conversation.items.map((item): string => {
      switch (item.kind) {
        case 'user':
          return `${item.waiting ? 'waiting ' : ''}user ${item.text}`
        case 'answer':
          return `${item.streaming ? 'streaming ' : ''}answer ${item.text}`
        case 'tool':
          return `tool ${item.name} ${item.status}`
        case 'aside':
          return `aside ${item.text}`
        default:
          return `end ${item.ms}`
      }
    })
  }

  #of(type: string, metadata: Record<string, unknown>, message: string): ConversationEvent {
    return { event_id: '', session_id: 's', persona_id: 'soma', role: 'system', type, message, metadata }
  }
}

const asked = (turn: string, text: string) => [{ turn_id: turn }, text] as const
const usage = { prompt_tokens: 3, completion_tokens: 4, cost_usd: 0.5 }

describe('the conversation of the console', () => {
  it('shows a message that waits below all, and then right above its own answer (V1)', () => {
    const told = new Told()
      .event('user.message', ...asked('t1', 'first'))
      .event('turn.started', { turn_id: 't1' })
      .event('user.message', ...asked('t2', 'second'))
      .preview({ offset: 0, delta: 'an answer' })
    expect(told.words).to.deep.equal(['user first', 'streaming answer an answer', 'waiting user second'])
    expect(told.conversation.running).to.deep.equal(['t1', 't2'])
    told.event('assistant.final', { turn_id: 't1', outcome: 'completed', steps: 1 }, 'an answer')
    told.event('turn.started', { turn_id: 't2' })
    expect(told.words).to.deep.equal(['user first', 'answer an answer', 'user second'])
    expect(told.conversation.running).to.deep.equal(['t2'])
  })

  it('puts pieces together by their offset, also after a reconnect that begins again', () => {
    const told = new Told().preview({ offset: 0, delta: 'one ' }).preview({ offset: 4, delta: 'two' })
    expect(told.words).to.deep.equal(['streaming answer one two'])
    expect(told.preview({ offset: 0, delta: 'one two three' }).words).to.deep.equal(['streaming answer one two three'])
  })

  it('drops an answer that is asked for again, and what an older attempt still says of it (V2)', () => {
    const told = new Told()
      .preview({ offset: 0, delta: 'lost' })
      .event('assistant.restarted', { turn_id: 't1', step: 1, attempt: 2, reason: 'crash' })
      .preview({ attempt: 2, offset: 0, delta: 'again' })
      .preview({ attempt: 1, offset: 4, delta: ' too late' })
    expect(told.words).to.deep.equal([
      'aside The answer was lost and is being asked for again (attempt 2).',
      'streaming answer again',
    ])
  })

  it('says of a call what it was asked with, how it ended and what the step that asked for it cost', () => {
    const call = { call_id: 'c1', tool_name: 'echo' }
    const told = new Told()
      .event('assistant.thinking', { turn_id: 't1', step: 1, model: 'm', usage, tool_calls: [{ call_id: 'c1' }] })
      .event('tool.start', { ...call, turn_id: 't1', args: { a: 1 } })
    expect(told.words).to.deep.equal(['tool echo running'])
    told.event('tool.result', { ...call, turn_id: 't1', status: 'success', execution_time: 0.25 }, 'out')
    expect(told.conversation.items[0]).to.deep.include({
      args: { a: 1 },
      status: 'success',
      output: 'out',
      seconds: 0.25,
    })
    expect(told.conversation.items[0]).to.have.deep.property('askedBy', { model: 'm', usage, calls: 1 })
  })

  it('tells a failed turn by its code, and how long a turn took', () => {
    const told = new Told()
      .event('user.message', ...asked('t1', 'words'))
      .event('turn.started', { turn_id: 't1' })
      .event('assistant.final', {
        turn_id: 't1',
        outcome: 'failed',
        code: 'MODEL_REFUSED',
        detail: 'No.',
        steps: 1,
        usage,
      })
    expect(told.words).to.deep.equal(['user words', 'aside No.', 'end 1000'])
    expect(told.conversation.items[1]).to.include({ code: 'MODEL_REFUSED', tone: 'bad' })
  })

  it('links a session to the one that began it', () => {
    const { conversation } = new Told().event('session.started', { persona_id: 'soma', parent_session_id: 'p' })
    expect(conversation.parent).to.equal('p')
    expect(conversation.items[0]).to.include({ session: 'p' })
  })
})
