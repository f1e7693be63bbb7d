import { type Persona, type Personas, personaSchema } from '../../actors/persona.ts'
import { sessionBehaviour } from '../../actors/session/behaviour.ts'
import type { CallId, Command, ModelReply } from '../../actors/session/commands.ts'
import type { SessionEvent } from '../../actors/session/events.ts'
import type { SessionCommand } from '../../actors/session/protocol.ts'
import type { SessionState } from '../../actors/session/state.ts'

export const SESSION_ID = '8c5f2f1e-0000-4000-8000-000000000001'
export const TENANT = 'acme'

export function personasOf(...list: Persona[]): Personas {
  return { get: (id) => list.find((persona) => persona.id === id), list: () => list, defaultId: list[0]?.id ?? '' }
}

export function persona(limits: Partial<Persona['limits']> = {}, rest: Partial<Persona> = {}): Persona {
  const base = personaSchema.parse({ id: 'soma', name: 'Soma', prompt: 'You help.', limits })
  return { ...base, ...rest }
}

/** A session driven by hand: commands in, decisions recorded, no clock, no journal. */
export class GivenSession {
  readonly behaviour
  readonly events: SessionEvent[] = []
  state: SessionState
  now = 1_700_000_000_000
  #messages = 0

  constructor(personas: Personas = personasOf(persona())) {
    this.behaviour = sessionBehaviour({ personas }, SESSION_ID)
    this.state = this.behaviour.initial
  }

  tell(command: Command, tenant = TENANT) {
    const decision = this.behaviour.decide(this.state, command, {
      now: this.now,
      envelopeId: `envelope-${this.#messages++}`,
      tenant,
      from: 'gateway',
      nextSeq: this.events.length + 1,
    })
    this.events.push(...decision.events)
    this.state = decision.events.reduce(this.behaviour.evolve, this.state)
    return decision
  }

  user(
    turnId: string,
    text = `words of ${turnId}`,
    rest: Partial<Extract<SessionCommand, { kind: 'AcceptUserTurn' }>> = {},
  ) {
    return this.tell({ kind: 'AcceptUserTurn', v: 1, turnId, text, attachments: [], metadata: {}, ...rest })
  }

  get call(): CallId {
    const { turn } = this.state
    return { turnId: turn?.request.turnId ?? '', step: turn?.step ?? 0, attempt: turn?.attempt ?? 0 }
  }

  model(reply: Partial<ModelReply> = {}, call: CallId = this.call) {
    const usage = { promptTokens: 10, completionTokens: 5, costMicros: 100 }
    return this.tell({
      kind: 'ModelReplied',
      call,
      reply: { text: '', calls: [], finishReason: 'stop', model: 'm', usage, ...reply },
    })
  }

  says(text: string) {
    return this.model({ text })
  }

  asksFor(...tools: string[]) {
    const calls = tools.map((tool, index) => {
      const [name = '', ...args] = tool.split(' ')
      return { id: `id-${this.events.length}-${index}`, name, arguments: args.join(' ') || '{}' }
    })
    return this.model({ calls, finishReason: 'tool_calls' })
  }

  returns(index = 0, output = 'result') {
    const call = this.state.turn?.calls[index]
    return this.tell({
      kind: 'ToolReturned',
      v: 1,
      callId: call?.callId ?? '',
      outcome: { status: 'success', output, finishedAt: this.now },
    })
  }

  finals(): Extract<SessionEvent, { kind: 'TurnFinished' }>[] {
    return this.events.filter((event) => event.kind === 'TurnFinished')
  }

  kinds(): string[] {
    return this.events.map((event) => event.kind)
  }
}
