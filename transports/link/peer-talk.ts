import { pack, unpack } from 'msgpackr'
import type { Clock, Ids } from '../../actors/kernel/clock.ts'
import { Failure, type FailureCode, failures } from '../../actors/kernel/failure.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'

/** A process of the cluster, as what is sent to it is addressed: this incarnation of it. */
export interface Peer {
  readonly id: string
}

/** What one process tells another. Soft: it may be lost, and whoever relies on it has another way to find out. */
export type Frame =
  | { readonly k: 'preview'; readonly p: unknown }
  | { readonly k: 'event'; readonly a: unknown }
  /** How far a tool call is: from its node to the session's owner… */
  | { readonly k: 'report'; readonly p: unknown }
  /** …and from there to the gateways that watch. */
  | { readonly k: 'progress'; readonly p: unknown }
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

export interface PeerTalkOptions {
  readonly self: () => Peer
  /** Resolves to whether the letter is on its way (links.ts). */
  readonly post: (peer: string, letter: Buffer) => Promise<boolean>
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
  readonly counted?: (direction: 'sent' | 'received' | 'dropped', frames: number) => void
}

/** Waiting for one peer at most; beyond it the oldest are let go: soft state must not fill the memory (I9). */
const MAX_WAITING = 20_000
const MAX_QUESTIONS = 10_000
/** Frames in one letter. */
const PER_LETTER = 1_000

type Heard = (frame: Frame, from: string) => void

/**
 * Messages between processes: live text to gateways, questions to nodes. Whatever waits for a peer travels as one letter.
 *   I1. Soft: what does not arrive is not sent again, and nobody's correctness depends on it.
 */
export class PeerTalk {
  private readonly options: PeerTalkOptions
  private readonly waiting = new Map<string, { frames: Frame[] }>()
  private readonly questions = new Map<string, (answer: Extract<Frame, { k: 'answer' }>) => void>()
  private readonly listeners: Heard[] = []
  private answer: (question: Question) => Promise<unknown> = async ({ op }) => {
    throw new Failure('NODE_UNREACHABLE', `this process answers no "${op}"`)
  }
  private flight: Promise<void> | undefined

  constructor(options: PeerTalkOptions) {
    this.options = options
  }

  onFrame(listener: Heard): void {
    this.listeners.push(listener)
  }

  /** How this process answers questions. */
  answers(answer: (question: Question) => Promise<unknown>): void {
    this.answer = answer
  }

  tell(peer: Peer, frame: Frame): void {
    const queue = this.waiting.get(peer.id) ?? { frames: [] }
    this.waiting.set(peer.id, queue)
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
    await this.flight
  }

  private async fly(): Promise<void> {
    // One turn of the event loop, so that what this one brings travels together.
    await new Promise(setImmediate)
    while (this.waiting.size > 0) {
      const queues = [...this.waiting]
      this.waiting.clear()
      await Promise.all(queues.flatMap(([peer, { frames }]) => lettersOf(frames).map((some) => this.write(peer, some))))
    }
    this.flight = undefined
  }

  private async write(peer: string, frames: readonly Frame[]): Promise<void> {
    const letter = letterOf(this.options.self().id, frames)
    const sent = letter !== undefined && (await this.options.post(peer, letter))
    this.options.counted?.(sent ? 'sent' : 'dropped', frames.length)
    if (!sent) this.options.log.debug({ peer, frames: frames.length }, 'a peer could not be told')
  }

  /** A letter from a peer. */
  hear(bytes: Buffer): void {
    let letter: { from?: unknown; frames?: unknown }
    try {
      letter = unpack(bytes) as typeof letter
    } catch {
      this.options.log.warn({}, 'a letter of a peer cannot be read')
      return
    }
    if (!Array.isArray(letter?.frames)) return
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

/** Undefined for what cannot be written as bytes: it is let go as anything else is, and the talk goes on. */
function letterOf(from: string, frames: readonly Frame[]): Buffer | undefined {
  try {
    return pack({ from, frames })
  } catch {
    return undefined
  }
}

/** What gathered while a peer was away must not make one letter that is longer than allowed. */
function lettersOf(frames: readonly Frame[]): (readonly Frame[])[] {
  if (frames.length <= PER_LETTER) return [frames]
  const letters = Math.ceil(frames.length / PER_LETTER)
  return Array.from({ length: letters }, (_, i) => frames.slice(i * PER_LETTER, (i + 1) * PER_LETTER))
}
