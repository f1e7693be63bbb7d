/**
 * What the clients of a drill were promised, what came out, and whether the two agree. Pure: fed by a live drill, and by
 * specs with histories in which each fault was planted.
 */
export interface History {
  /** Messages answered with 2xx, of each session in the order of those answers. */
  readonly accepted: readonly AcceptedMessage[]
  /** Every session's journal, read after the last restart. */
  readonly journals: ReadonlyMap<string, readonly JournaledEvent[]>
  readonly readers: readonly ReaderLog[]
  /** What the drill's tools wrote down themselves, in that order. */
  readonly marks: readonly ToolMark[]
}

export interface AcceptedMessage {
  /** The client's own name for it, sent as Idempotency-Key and in the message's metadata. */
  readonly key: string
  readonly sessionId: string
  /** Every event id that a 2xx named for this key: more than one, and a repeated request became another message. */
  readonly eventIds: readonly string[]
  /** How many tool calls its script asks for. */
  readonly calls: number
}

export interface JournaledEvent {
  readonly seq: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly type: string
  readonly turnId?: string
  /** The key of a `user.message`. */
  readonly key?: string
  /** The outcome of an `assistant.final`, with its code when it has one. */
  readonly outcome?: string
  /** Of a `tool.result`. */
  readonly call?: { readonly id: string; readonly status: string }
  /** Equal for two readings of the same event. */
  readonly digest: string
}

export interface ReaderLog {
  readonly name: string
  readonly sessionId: string
  readonly seen: readonly { readonly seq: number; readonly digest: string }[]
  /** Answers that a reader with an honest cursor must never get. */
  readonly refusals: readonly string[]
}

export interface ToolMark {
  readonly mark: 'start' | 'done'
  readonly tool: string
  readonly idempotent: boolean
  readonly callId: string
  /** The call as the script named it: the same when a repeated model step made a new call of it. */
  readonly key: string
  readonly pid: number
}

export interface Verdict {
  readonly accepted: number
  /** Accepted messages with exactly one final, which says `completed`. */
  readonly completed: number
  /** Accepted, and not in the journal, or without a final. */
  readonly lost: readonly string[]
  /** Two finals, or two user messages, for what was sent once. */
  readonly duplicated: readonly string[]
  /** Calls of tools that are not idempotent which started more than once. */
  readonly doubled: readonly string[]
  /** Calls that were answered with success and never finished, and completed turns that lack a call of their script. */
  readonly unrun: readonly string[]
  /** Messages handled in another order than accepted. */
  readonly outOfOrder: readonly string[]
  /** Events that a reader missed, saw twice, saw in the wrong order, or saw otherwise than journaled. */
  readonly gaps: readonly string[]
  /** One final each, but it says `failed` or `stopped`: nothing in a drill asks for that. */
  readonly failed: readonly string[]
  /** Calls whose outcome is `unknown`: no fault, but what a kill costs. */
  readonly unknown: number
  readonly passed: boolean
}

export function judge(history: History): Verdict {
  const messages = history.accepted.map((message) => fateOf(message, history.journals.get(message.sessionId) ?? []))
  const of = (fate: Fate['kind']) =>
    messages.flatMap((message) => (message.kind === fate ? [`${message.key}: ${message.why}`] : []))
  const faults = {
    lost: of('lost'),
    duplicated: of('duplicated'),
    failed: of('failed'),
    doubled: doubledRuns(history.marks),
    unrun: unrunCalls(history),
    outOfOrder: outOfOrder(history),
    gaps: history.readers.flatMap((reader) => gapsOf(reader, history.journals.get(reader.sessionId) ?? [])),
  }
  return {
    accepted: history.accepted.length,
    completed: of('completed').length,
    ...faults,
    unknown: [...history.journals.values()].flat().filter((event) => event.call?.status === 'unknown').length,
    passed: Object.values(faults).every((list) => list.length === 0),
  }
}

interface Fate {
  readonly key: string
  readonly kind: 'completed' | 'failed' | 'lost' | 'duplicated'
  readonly why: string
}

function fateOf({ key, eventIds }: AcceptedMessage, journal: readonly JournaledEvent[]): Fate {
  const fate = (kind: Fate['kind'], why: string): Fate => ({ key, kind, why })
  if (eventIds.length !== 1) return fate('duplicated', `answered with the event ids ${eventIds.join(', ')}`)
  const told = journal.filter((event) => event.type === 'user.message' && event.key === key)
  if (told.length > 1) return fate('duplicated', `user.message at ${seqs(told)}`)
  const finals = journal.filter((event) => event.type === 'assistant.final' && event.turnId === eventIds[0])
  if (finals.length > 1) return fate('duplicated', `assistant.final at ${seqs(finals)}`)
  const [final] = finals
  if (!final) return fate('lost', told.length === 0 ? 'not in the journal' : 'no final')
  // A rejected message has a final and no user.message; its text is in no history, so it counts as failed at least.
  if (final.outcome !== 'completed') return fate('failed', `its final says ${final.outcome}`)
  return told.length === 1 ? fate('completed', 'one final') : fate('lost', 'a final, but not its message')
}

function doubledRuns(marks: readonly ToolMark[]): string[] {
  const starts = marks.filter((mark) => mark.mark === 'start' && !mark.idempotent)
  return [...grouped(starts, (mark) => mark.key)].flatMap(([key, runs]) =>
    runs.length > 1 ? [`${key}: ${runs.map((run) => `${run.callId} in pid ${run.pid}`).join(', ')}`] : [],
  )
}

/** A result may also say `unknown`: killed between the journaled start of a call and its work, nobody can know. */
function unrunCalls({ accepted, journals, marks }: History): string[] {
  const done = new Set(marks.filter((mark) => mark.mark === 'done').map((mark) => mark.callId))
  return accepted.flatMap(({ key, sessionId, eventIds, calls }) => {
    const turn = (journals.get(sessionId) ?? []).filter((event) => event.turnId === eventIds[0])
    const results = turn.flatMap((event) => (event.call ? [event.call] : []))
    const completed = turn.some((event) => event.outcome === 'completed')
    const untrue = results.filter((call) => call.status === 'success' && !done.has(call.id))
    return [
      ...untrue.map((call) => `${key}: ${call.id} is said to have succeeded`),
      ...(completed && results.length < calls ? [`${key}: ${results.length} results of ${calls} calls`] : []),
    ]
  })
}

function outOfOrder({ accepted, journals }: History): string[] {
  return [...grouped(accepted, (message) => message.sessionId)].flatMap(([sessionId, messages]) => {
    const journal = journals.get(sessionId) ?? []
    const keys = journal.filter((event) => event.type === 'user.message').map((event) => event.key)
    const finals = journal.filter((event) => event.type === 'assistant.final').map((event) => event.turnId)
    return [
      ...inversions(messages.map(({ key }) => ({ key, position: keys.indexOf(key) }))),
      ...inversions(messages.map(({ key, eventIds }) => ({ key, position: finals.indexOf(eventIds[0]) }))),
    ]
  })
}

/** Those whose position lies before that of one accepted earlier; what is missing altogether is told elsewhere. */
function inversions(list: readonly { readonly key: string; readonly position: number }[]): string[] {
  let furthest = -1
  return list.flatMap(({ key, position }) => {
    if (position < 0) return []
    const late = position < furthest
    furthest = Math.max(furthest, position)
    return late ? [`${key}: came after one that was accepted later`] : []
  })
}

function gapsOf({ name, seen, refusals }: ReaderLog, journal: readonly JournaledEvent[]): string[] {
  const faults = refusals.map((refusal) => `${name}: was answered ${refusal}`)
  const length = Math.max(seen.length, journal.length)
  for (let index = 0; index < length; index++) {
    const wanted = journal[index]
    const got = seen[index]
    if (wanted && got && wanted.seq === got.seq && wanted.digest === got.digest) continue
    const what = wanted?.seq === got?.seq ? 'with other content' : `instead of ${wanted?.seq ?? 'nothing'}`
    // The first difference only: all that follow are its shadow.
    return [...faults, `${name}: saw ${got?.seq ?? 'nothing'} ${what}`]
  }
  return faults
}

function grouped<T>(list: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of list) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}

function seqs(events: readonly JournaledEvent[]): string {
  return events.map((event) => event.seq).join(' and ')
}
