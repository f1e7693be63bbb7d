import type { ConversationEvent } from '../../transports/outbound.ts'
import type { JournaledEvent } from './ledger.ts'
import { digestOf, keyOf } from './public-events.ts'
import { ask, type DrillTarget } from './target.ts'

interface Page {
  readonly events: readonly { readonly id: number; readonly occurred_at: string; readonly payload: ConversationEvent }[]
  readonly next_cursor: number | null
}

const PAGE = 500
const AT_ONCE = 8

/** The journals of these sessions as the service tells them, page by page. */
export async function readJournals(
  entrance: Pick<DrillTarget, 'urls' | 'token'>,
  sessionIds: readonly string[],
): Promise<Map<string, readonly JournaledEvent[]>> {
  const journals = new Map<string, readonly JournaledEvent[]>()
  const left = [...sessionIds]
  const work = async () => {
    for (let sessionId = left.pop(); sessionId !== undefined; sessionId = left.pop()) {
      journals.set(sessionId, await readJournal(entrance, sessionId))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return journals
}

async function readJournal(
  entrance: Pick<DrillTarget, 'urls' | 'token'>,
  sessionId: string,
): Promise<JournaledEvent[]> {
  const events: JournaledEvent[] = []
  for (let after: number | null = 0; after !== null; ) {
    const page: Page = await ask(entrance, `/v1/sessions/${sessionId}/events?after=${after}&limit=${PAGE}`)
    for (const { id, occurred_at, payload } of page.events) events.push(journaled(id, occurred_at, payload))
    after = page.next_cursor
  }
  return events
}

function journaled(seq: number, occurredAt: string, event: ConversationEvent): JournaledEvent {
  const { turn_id, outcome, code, call_id, status } = event.metadata
  const key = keyOf(event)
  return {
    seq,
    at: Date.parse(occurredAt),
    type: event.type,
    digest: digestOf(event),
    ...(typeof turn_id === 'string' && { turnId: turn_id }),
    ...(key !== undefined && { key }),
    ...(event.type === 'tool.result' && { call: { id: String(call_id), status: String(status) } }),
    ...(typeof outcome === 'string' && { outcome: typeof code === 'string' ? `${outcome}, ${code}` : outcome }),
  }
}
