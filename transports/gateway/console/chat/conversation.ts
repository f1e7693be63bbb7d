import type { ConversationEvent, JournalEntry, Usage } from '../api/answers.ts'

/**
 * The conversation as a person reads it, folded from events; previews fill the answer in progress. Items are replaced,
 * never changed, so that what is drawn is drawn again only where something happened.
 *   V1. A message stands right above its own answer: until its turn starts it waits below all that is shown.
 *   V2. An answer that is asked for again loses what was shown of it; a preview of an older attempt changes nothing.
 */
export type Item = UserItem | AnswerItem | ToolItem | AsideItem | EndItem

export interface UserItem {
  readonly kind: 'user'
  readonly key: string
  readonly turnId: string
  readonly text: string
  readonly attachments: readonly string[]
  readonly waiting: boolean
  readonly intervenes: boolean
}

export interface AnswerItem {
  readonly kind: 'answer'
  readonly key: string
  readonly turnId: string
  readonly step: number
  readonly attempt: number
  readonly text: string
  readonly streaming: boolean
}

export interface ToolItem {
  readonly kind: 'tool'
  readonly key: string
  readonly turnId: string
  readonly callId: string
  readonly name: string
  readonly args: unknown
  /** `running` until its result is there. */
  readonly status: string
  readonly code?: string | undefined
  readonly seconds?: number | undefined
  readonly output?: string | undefined
  readonly truncated?: boolean | undefined
  readonly decision?: Decision | undefined
  /** The model's step that asked for it, which is what it cost. */
  readonly askedBy?: { readonly model: string; readonly usage: Usage; readonly calls: number } | undefined
}

export interface Decision {
  readonly allow: boolean
  readonly reason: string
  readonly policy: string
}

export interface AsideItem {
  readonly kind: 'aside'
  readonly key: string
  readonly text: string
  readonly tone: 'quiet' | 'warn' | 'bad'
  readonly code?: string | undefined
  /** Another session that this speaks of. */
  readonly session?: string | undefined
}

export interface EndItem {
  readonly kind: 'end'
  readonly key: string
  readonly turnId: string
  readonly ms: number | undefined
  readonly steps: number
  readonly model: string | undefined
  readonly usage: Usage | undefined
}

export class Conversation {
  #items: Item[] = []
  #waiting: UserItem[] = []
  readonly #startedAt = new Map<string, number>()
  readonly #askedBy = new Map<string, ToolItem['askedBy']>()
  readonly #running = new Set<string>()
  persona = ''
  parent: string | undefined

  /** What is shown, the waiting last (V1). */
  get items(): readonly Item[] {
    return [...this.#items, ...this.#waiting]
  }

  /** Turns accepted and not yet ended, in order. */
  get running(): readonly string[] {
    return [...this.#running]
  }

  entry({ id, occurred_at, payload }: JournalEntry): void {
    this.event(payload, id, Date.parse(occurred_at))
  }

  /** `at`: epoch milliseconds; of a live event the time it is heard. */
  event({ type, message, metadata }: ConversationEvent, seq: number, at: number): void {
    const key = String(seq)
    switch (type) {
      case 'session.started':
        this.persona = metadata.persona_id
        this.parent = metadata.parent_session_id ?? metadata.metadata?.parent_session_id
        if (this.parent) this.#aside(key, 'Begun by another session.', 'quiet', { session: this.parent })
        return
      case 'session.persona':
        this.persona = metadata.persona_id
        this.#aside(key, `Persona: ${metadata.persona_id}`)
        return
      case 'user.message':
        this.#running.add(metadata.turn_id)
        this.#waiting.push({
          ...{ kind: 'user', key, turnId: metadata.turn_id, waiting: true, intervenes: false },
          text: message || `(${metadata.action ?? 'tool results'})`,
          attachments: metadata.attachments ?? [],
        })
        return
      case 'user.intervention':
        this.#items.push({
          ...{ kind: 'user', key, turnId: metadata.turn_id, waiting: false, intervenes: true },
          text: message,
          attachments: [],
        })
        return
      case 'turn.started':
        this.#startedAt.set(metadata.turn_id, at)
        this.#begin(metadata.turn_id)
        return
      case 'assistant.started':
        this.#settle(metadata.turn_id)
        return
      case 'assistant.restarted':
        this.#drop(metadata.turn_id, metadata.step) // V2
        if (metadata.reason === 'next') return
        this.#aside(key, `The answer was lost and is being asked for again (attempt ${metadata.attempt}).`, 'warn')
        return
      case 'assistant.thinking':
        for (const call of metadata.tool_calls ?? []) {
          const { model, usage, tool_calls } = metadata
          this.#askedBy.set(call.call_id, { model, usage, calls: tool_calls.length })
        }
        if (message !== '') this.#answer(metadata.turn_id, metadata.step, { text: message, streaming: false })
        return
      case 'tool.start':
        this.#items.push(this.#tool(key, metadata, { status: 'running' }))
        return
      case 'tool.result':
        this.#toolEnded(key, metadata, message)
        return
      case 'assistant.final':
        this.#final(key, metadata, message, at)
        return
      case 'session.injected':
        this.#aside(key, `Injected by ${metadata.by}: ${message} (${metadata.why})`, 'warn')
        return
      case 'session.step_mode':
        this.#aside(key, `Step mode ${metadata.on ? 'on' : 'off'}: ${metadata.by} (${metadata.why})`, 'warn')
        return
      case 'step.held':
        this.#aside(key, 'Held: an operator takes this step by step.', 'warn')
        return
      case 'session.paused':
        this.#aside(key, message ? `Paused: ${message}` : 'Paused', 'warn')
        return
      case 'session.resumed':
        this.#aside(key, 'Resumed')
        return
      case 'session.reset':
        this.#items = []
        this.#waiting = []
        this.#running.clear()
        this.#aside(key, 'The conversation was reset.')
        return
      case 'session.deleted':
        this.#aside(key, 'The session was deleted.', 'bad')
        return
    }
  }

  preview({ metadata }: ConversationEvent): void {
    const { turn_id, step, attempt, offset, delta } = metadata
    const shown = this.#shownAnswer(turn_id, step)
    if (shown && (shown.attempt > attempt || !shown.streaming)) return // V2
    // After a reconnect the first delta starts at 0 and holds all the text so far.
    const before = shown && shown.attempt === attempt ? shown.text.slice(0, offset) : ''
    this.#answer(turn_id, step, { text: before + delta, streaming: true, attempt })
  }

  #begin(turnId: string): void {
    const said = this.#waiting.find((item) => item.turnId === turnId)
    if (!said) return
    this.#waiting = this.#waiting.filter((item) => item !== said)
    this.#items.push({ ...said, waiting: false })
  }

  #shownAnswer(turnId: string, step: number): AnswerItem | undefined {
    return this.#items.findLast(
      (item): item is AnswerItem => item.kind === 'answer' && item.turnId === turnId && item.step === step,
    )
  }

  #answer(turnId: string, step: number, change: Partial<AnswerItem>): void {
    const shown = this.#shownAnswer(turnId, step)
    const fresh: AnswerItem = {
      ...{ kind: 'answer', key: `${turnId}/${step}`, turnId, step, attempt: 1, text: '', streaming: true },
      ...shown,
      ...change,
    }
    if (shown) this.#replace(shown, fresh)
    else this.#items.push(fresh)
  }

  #replace(old: Item, fresh: Item): void {
    this.#items[this.#items.lastIndexOf(old)] = fresh
  }

  #settle(turnId: string): void {
    for (const item of this.#items.slice(-50)) {
      if (item.kind === 'answer' && item.turnId === turnId && item.streaming) {
        this.#replace(item, { ...item, streaming: false })
      }
    }
  }

  #drop(turnId: string, step: number): void {
    const shown = this.#shownAnswer(turnId, step)
    if (shown) this.#items.splice(this.#items.lastIndexOf(shown), 1)
  }

  #tool(key: string, metadata: ConversationEvent['metadata'], rest: Pick<ToolItem, 'status'>): ToolItem {
    const { turn_id, call_id, tool_name, args } = metadata
    const askedBy = this.#askedBy.get(call_id)
    return { kind: 'tool', key, turnId: turn_id, callId: call_id, name: tool_name, args: args ?? {}, askedBy, ...rest }
  }

  #toolEnded(key: string, metadata: ConversationEvent['metadata'], output: string): void {
    const started = this.#items.findLast(
      (item): item is ToolItem => item.kind === 'tool' && item.callId === metadata.call_id,
    )
    const { status, code, execution_time, truncated, decision } = metadata
    const ended: ToolItem = {
      ...(started ?? this.#tool(key, metadata, { status })),
      ...{ status, code, output, truncated, decision, seconds: execution_time },
    }
    if (started) this.#replace(started, ended)
    else this.#items.push(ended)
  }

  #final(key: string, metadata: ConversationEvent['metadata'], text: string, at: number): void {
    const { turn_id, outcome, code, detail, steps, model, usage } = metadata
    this.#running.delete(turn_id)
    this.#begin(turn_id) // A turn may be stopped while it waits.
    this.#settle(turn_id)
    const last = this.#items.findLast((item): item is AnswerItem => item.kind === 'answer' && item.turnId === turn_id)
    if (outcome === 'failed') this.#aside(key, detail ?? text, 'bad', { code })
    else if (last && text.startsWith(last.text)) this.#replace(last, { ...last, text, streaming: false })
    else if (text !== '' && last?.text !== text) this.#answer(turn_id, steps + 1, { text, streaming: false })
    if (outcome === 'stopped') this.#aside(`${key}s`, 'Stopped')
    const started = this.#startedAt.get(turn_id)
    const ms = started === undefined ? undefined : Math.max(0, at - started)
    if (usage) this.#items.push({ kind: 'end', key: `${key}e`, turnId: turn_id, ms, steps, model, usage })
  }

  #aside(key: string, text: string, tone: AsideItem['tone'] = 'quiet', more: Partial<AsideItem> = {}): void {
    this.#items.push({ kind: 'aside', key, text, tone, ...more })
  }
}
