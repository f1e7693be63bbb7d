import { idOf } from '../../actors/kernel/address.ts'
import type { Clock } from '../../actors/kernel/clock.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import type { HistoryMessage, SessionCommand } from '../../actors/session/protocol.ts'
import type { SessionReader, SessionView } from '../../transports/gateway/session-reader.ts'
import type { Announcement, Outbound, Preview } from '../../transports/outbound.ts'

type UserTurn = Extract<SessionCommand, { kind: 'AcceptUserTurn' }>

/** What a fake session does with a turn. */
export type Script = (turn: TurnScript) => void

/**
 * The session side as the gateway sees it: a journal per session, announcements and previews. It says what a script
 * tells it to (by default: the user's words back, word by word), and applies an envelope once, as a session does.
 */
export class FakeSessions implements SessionReader {
  readonly journals = new Map<string, Announcement[]>()
  readonly #outbound: Outbound
  readonly #clock: Clock
  readonly #applied = new Set<string>()
  readonly #turns = new Map<string, UserTurn[]>()
  /** Announcements that are journaled and then lost on the way, by seq. */
  readonly lost = new Set<number>()
  reads = 0
  script: Script = (turn) => turn.say(`You said: ${turn.command.text}`).finish()

  constructor(outbound: Outbound, clock: Clock) {
    this.#outbound = outbound
    this.#clock = clock
  }

  deliver(envelope: Envelope<SessionCommand>): void {
    if (this.#applied.has(envelope.id)) return
    this.#applied.add(envelope.id)
    const sessionId = idOf(envelope.to)
    const command = envelope.body
    switch (command.kind) {
      case 'AcceptUserTurn': {
        const turns = this.#turns.get(sessionId) ?? []
        this.#turns.set(sessionId, [...turns, command])
        this.event(sessionId, 'user.message', command.text, { turn_id: command.turnId }, 'user')
        this.script(new TurnScript(this, sessionId, command))
        return
      }
      case 'Pause':
        return void this.event(sessionId, 'session.paused')
      case 'Resume':
        return void this.event(sessionId, 'session.resumed')
      case 'Delete':
        return void this.event(sessionId, 'session.deleted')
      default:
        return void this.event(sessionId, `told.${command.kind}`)
    }
  }

  event(
    sessionId: string,
    type: string,
    message = '',
    metadata: Record<string, unknown> = {},
    role: Announcement['event']['role'] = 'system',
  ): Announcement {
    const journal = this.journals.get(sessionId) ?? []
    this.journals.set(sessionId, journal)
    const seq = journal.length + 1
    const announcement: Announcement = {
      sessionId,
      seq,
      at: this.#clock.now(),
      event: {
        event_id: `${sessionId}/${seq}`,
        session_id: sessionId,
        persona_id: 'default',
        role,
        type,
        message,
        version: 'sa01-v1',
        metadata: { source: 'worker', ...metadata },
      },
    }
    journal.push(announcement)
    if (!this.lost.has(seq)) this.#outbound.announce(announcement)
    return announcement
  }

  preview(preview: Preview): void {
    this.#outbound.preview(preview)
  }

  async events(sessionId: string, after: number, limit: number): Promise<Announcement[]> {
    this.reads++
    return (this.journals.get(sessionId) ?? []).slice(after, after + limit)
  }

  async head(sessionId: string): Promise<number> {
    return this.journals.get(sessionId)?.length ?? 0
  }

  async view(sessionId: string): Promise<SessionView> {
    const history = this.#history(sessionId)
    const open = new Set<string>()
    for (const { event } of this.journals.get(sessionId) ?? []) {
      if (event.type === 'user.message') open.add(String(event.metadata.turn_id))
      if (event.type === 'assistant.final') open.delete(String(event.metadata.turn_id))
    }
    const [running, ...queued] = open
    return {
      sessionId,
      tenant: 'local',
      personaId: 'default',
      seq: await this.head(sessionId),
      paused: false,
      stepMode: false,
      pending: undefined,
      runningTurnId: running,
      queuedTurnIds: queued,
      history,
      contextWindow: { messages: history, tokens: 10, limit: 8_000 },
      timers: [],
      usage: { promptTokens: 5, completionTokens: 5, costMicros: 0 },
    }
  }

  #history(sessionId: string): (HistoryMessage & { at: number })[] {
    const history: (HistoryMessage & { at: number })[] = []
    for (const { at, event } of this.journals.get(sessionId) ?? []) {
      if (event.type === 'user.message') history.push({ role: 'user', content: event.message, at })
      if (event.type === 'assistant.final') history.push({ role: 'assistant', content: event.message, at })
    }
    return history
  }
}

/** One turn, told step by step, with the events and previews that a real session makes. */
export class TurnScript {
  readonly command: UserTurn
  readonly sessionId: string
  readonly #sessions: FakeSessions
  #step = 0
  #attempt = 0
  #text = ''
  #index = 0

  constructor(sessions: FakeSessions, sessionId: string, command: UserTurn) {
    this.#sessions = sessions
    this.sessionId = sessionId
    this.command = command
  }

  start(): this {
    this.#step++
    this.#attempt = 1
    return this.#begin('assistant.started')
  }

  /** The attempt was lost in a crash; another begins. */
  restart(): this {
    this.#attempt++
    return this.#begin('assistant.restarted')
  }

  /** Previews, a word at a time. */
  say(text: string): this {
    if (this.#attempt === 0) this.start()
    for (const delta of text.match(/\s*\S+/g) ?? []) {
      this.#text += delta
      this.#sessions.preview({
        sessionId: this.sessionId,
        turnId: this.command.turnId,
        step: this.#step,
        attempt: this.#attempt,
        index: this.#index++,
        delta,
        text: this.#text,
      })
    }
    return this
  }

  /** The model asks for a tool of the server, and it answers. */
  callTool(name: string, args: unknown, output: string): this {
    const callId = `call_${this.#step}`
    const calls = [{ call_id: callId, name, arguments: JSON.stringify(args) }]
    this.#event('assistant.thinking', this.#text, { step: this.#step, tool_calls: calls }, 'assistant')
    this.#event('tool.start', '', { call_id: callId, tool_name: name, args }, 'tool')
    const result = { call_id: callId, tool_name: name, status: 'success', execution_time: 0.01 }
    this.#event('tool.result', output, result, 'tool')
    this.#attempt = 0
    this.#text = ''
    return this
  }

  finish(metadata: Record<string, unknown> = {}): void {
    this.#event(
      'assistant.final',
      this.#text,
      {
        outcome: 'completed',
        finish_reason: 'stop',
        steps: this.#step,
        model: 'rehearsal/demo',
        usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7, cost_usd: 0 },
        ...metadata,
      },
      'assistant',
    )
  }

  fail(code: string, detail: string): void {
    this.finish({ outcome: 'failed', code, detail })
  }

  #begin(type: string): this {
    this.#text = ''
    this.#index = 0
    this.#event(type, '', { step: this.#step, attempt: this.#attempt }, 'assistant')
    return this
  }

  #event(type: string, message: string, metadata: object, role: Announcement['event']['role']): void {
    this.#sessions.event(this.sessionId, type, message, { turn_id: this.command.turnId, ...metadata }, role)
  }
}
