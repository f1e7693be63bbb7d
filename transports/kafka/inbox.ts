import { pack, unpack } from 'msgpackr'
import type { Clock, Ids } from '../../actors/kernel/clock.ts'
import { Failure, type FailureCode, failures } from '../../actors/kernel/failure.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { LogRecord } from './fetch-client.ts'
import type { LogReader } from './log-reader.ts'
import type { LogWriter } from './log-writer.ts'
import { inbox as inboxTopic } from './topics.ts'

/** A process of the cluster, as what is sent to it is addressed. A slot may have had an owner before: hence both. */
export interface Peer {
  readonly id: string
  readonly slot: number
}

/** What one process tells another. Soft: it may be lost, and whoever relies on it has another way to find out. */
export type Frame =
  | { readonly k: 'preview'; readonly p: unknown }
  | { readonly k: 'event'; readonly a: unknown }
  /** The sender heard that these sessions are watched; what it announced before did not get here. */
  | { readonly k: 'watching'; readonly sessions: readonly string[] }
  /** The sender owns these shards now: watch again there. */
  | { readonly k: 'moved'; readonly shards: readonly number[] }
  | { readonly k: 'ask'; readonly id: string; readonly reply: Peer; readonly question: Question }
  | {
      readonly k: 'answer'
      readonly id: string
      readonly value?: unknown
      readonly code?: string
      readonly detail?: string
    }

export interface Question {
  readonly op: string
  readonly args?: unknown
}

export interface InboxOptions {
  /** This process; its slot may change (membership.ts). */
  readonly self: () => Peer
  readonly writer: LogWriter
  readonly reader: LogReader
  readonly topicPrefix: string
  /** Where the log of a partition ends now. */
  readonly edge: (topic: string, partition: number) => Promise<number>
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
  readonly counted?: (direction: 'sent' | 'received' | 'dropped', frames: number) => void
}

/** Waiting for one peer at most; beyond it the oldest are let go: soft state must not fill the memory (I9). */
const MAX_WAITING = 20_000
const MAX_QUESTIONS = 10_000
/** Frames in one record. */
const PER_LETTER = 1_000

type Heard = (frame: Frame, from: string) => void

/**
 * Messages between processes, over one partition for each: live text to gateways, questions to nodes. Whatever waits for a
 * peer travels as one record.
 */
export class Inbox {
  private readonly options: InboxOptions
  private readonly topic: string
  private readonly waiting = new Map<string, { readonly peer: Peer; frames: Frame[] }>()
  private readonly questions = new Map<string, (answer: Extract<Frame, { k: 'answer' }>) => void>()
  private readonly listeners: Heard[] = []
  private answer: (question: Question) => Promise<unknown> = async ({ op }) => {
    throw new Failure('NODE_UNREACHABLE', `this process answers no "${op}"`)
  }
  private reading: { slot: number; close(): void } | undefined
  private opening: Promise<void> | undefined
  private flight: Promise<void> | undefined

  constructor(options: InboxOptions) {
    this.options = options
    this.topic = options.topicPrefix + inboxTopic.name
  }

  /** Resolves when nothing that is told from now on is missed. Again after the slot changed. */
  open(): Promise<void> {
    this.opening ??= this.follow().finally(() => {
      this.opening = undefined
    })
    return this.opening
  }

  private async follow(): Promise<void> {
    const { slot } = this.options.self()
    if (this.reading?.slot === slot) return
    this.reading?.close()
    this.reading = undefined // not open until it is: the slot may be had back before
    const from = await this.options.edge(this.topic, slot)
    const { close } = this.options.reader.read({
      topic: this.topic,
      partition: slot,
      from,
      wants: () => true,
      take: (records) => {
        for (const record of records) this.hear(record)
      },
    })
    this.reading = { slot, close }
  }

  onFrame(listener: Heard): void {
    this.listeners.push(listener)
  }

  /** How this process answers questions. */
  answers(answer: (question: Question) => Promise<unknown>): void {
    this.answer = answer
  }

  tell(peer: Peer, frame: Frame): void {
    const key = `${peer.slot}/${peer.id}`
    const queue = this.waiting.get(key) ?? { peer, frames: [] }
    this.waiting.set(key, queue)
    if (queue.frames.length >= MAX_WAITING) {
      this.options.counted?.('dropped', queue.frames.length)
      queue.frames = []
    }
    queue.frames.push(frame)
    this.flight ??= this.fly()
  }

  /** Rejects with NODE_UNREACHABLE when no answer comes in time, or with the failure that the peer answered. */
  ask<T>(peer: Peer, question: Question, timeoutMs: number): Promise<T> {
    if (this.questions.size >= MAX_QUESTIONS) {
      return Promise.reject(new Failure('NODE_UNREACHABLE', 'too many questions wait for answers', { retryAfter: 1 }))
    }
    const id = this.options.ids.uuid()
    return new Promise<T>((resolve, reject) => {
      const cancel = this.options.clock.after(timeoutMs, () => {
        this.questions.delete(id)
        reject(new Failure('NODE_UNREACHABLE', `${peer.id} did not answer within ${timeoutMs} ms`, { retryAfter: 1 }))
      })
      this.questions.set(id, ({ value, code, detail }) => {
        cancel()
        if (code === undefined) resolve(value as T)
        else reject(new Failure(code in failures ? (code as FailureCode) : 'INTERNAL', detail ?? ''))
      })
      this.tell(peer, { k: 'ask', id, reply: this.options.self(), question })
    })
  }

  async close(): Promise<void> {
    this.reading?.close()
    await this.flight
  }

  private async fly(): Promise<void> {
    // One turn of the event loop, so that what this one brings travels together.
    await new Promise(setImmediate)
    while (this.waiting.size > 0) {
      const queues = [...this.waiting.values()]
      this.waiting.clear()
      await Promise.all(queues.flatMap(({ peer, frames }) => lettersOf(frames).map((some) => this.write(peer, some))))
    }
    this.flight = undefined
  }

  private async write({ id, slot }: Peer, frames: readonly Frame[]): Promise<void> {
    try {
      const value = pack({ to: id, from: this.options.self().id, frames })
      await this.options.writer.write({ topic: this.topic, partition: slot, key: id, value })
      this.options.counted?.('sent', frames.length)
    } catch (error) {
      this.options.counted?.('dropped', frames.length)
      this.options.log.debug({ peer: id, frames: frames.length, error: String(error) }, 'a peer could not be told')
    }
  }

  private hear({ value }: LogRecord): void {
    let letter: { to?: unknown; from?: unknown; frames?: unknown }
    try {
      letter = unpack(value ?? Buffer.alloc(0)) as typeof letter
    } catch {
      this.options.log.warn({ topic: this.topic }, 'a record of the inbox cannot be read')
      return
    }
    // To whoever had this slot before.
    if (letter?.to !== this.options.self().id || !Array.isArray(letter.frames)) return
    this.options.counted?.('received', letter.frames.length)
    for (const frame of letter.frames as Frame[]) this.handle(frame, String(letter.from))
  }

  private handle(frame: Frame, from: string): void {
    if (frame.k === 'answer') {
      const question = this.questions.get(frame.id)
      this.questions.delete(frame.id)
      question?.(frame)
    } else if (frame.k === 'ask') void this.reply(frame)
    else for (const listener of this.listeners) listener(frame, from)
  }

  private async reply({ id, reply, question }: Extract<Frame, { k: 'ask' }>): Promise<void> {
    try {
      this.tell(reply, { k: 'answer', id, value: await this.answer(question) })
    } catch (error) {
      const { code, detail } = error instanceof Failure ? error : new Failure('INTERNAL', String(error))
      this.tell(reply, { k: 'answer', id, code, detail })
    }
  }
}

/** What gathered while the brokers were away must not make a record that they refuse. */
function lettersOf(frames: readonly Frame[]): (readonly Frame[])[] {
  if (frames.length <= PER_LETTER) return [frames]
  const letters = Math.ceil(frames.length / PER_LETTER)
  return Array.from({ length: letters }, (_, i) => frames.slice(i * PER_LETTER, (i + 1) * PER_LETTER))
}
