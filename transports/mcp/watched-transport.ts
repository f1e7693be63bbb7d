import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { Clock } from '../../actors/kernel/clock.ts'
import type { ConnectionEvents } from '../../actors/mcp/protocol.ts'
import type { FewLines } from './few-lines.ts'
import { issuesIn } from './reasons.ts'

/** Progress of many calls at once is some hundred a second; each costs us a parse, of this a tenth of a core. */
const MAX_MESSAGES = 20_000
const WINDOW_MS = 10_000

/**
 * Looks at what a server sends before the SDK does, which keeps what is set before it connects. A server that floods us with
 * messages, or sends one that is too large, is closed and said to be; what is no message is told, and else does no harm:
 * many a server prints a greeting where its messages should be.
 */
export function watchTransport(transport: Transport, events: ConnectionEvents, clock: Clock, told: FewLines): void {
  let since = clock.now()
  let count = 0
  transport.onmessage = () => {
    if (clock.now() - since >= WINDOW_MS) {
      since = clock.now()
      count = 0
    }
    if (++count > MAX_MESSAGES) events.closed(`it sent more than ${MAX_MESSAGES} messages in ${WINDOW_MS / 1_000} s`)
  }
  transport.onerror = (error) => {
    // The SDK's words for one that does not fit its buffer; it closes after this.
    if (error.message.startsWith('ReadBuffer exceeded')) events.closed('it sent a message of more than 16 MB')
    else if (error instanceof SyntaxError) told.line(error.message)
    else if (issuesIn(error)) told.line(issuesIn(error) as string)
  }
}
