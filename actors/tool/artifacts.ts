import type { Logger } from '../kernel/telemetry.ts'
import type { Invocation } from './events.ts'
import type { Keep } from './run.ts'

/** Where the whole of an output is kept that is too long to tell. */
export interface Artifacts {
  /** Resolves to it with the id under which the tenant may read it. */
  save(file: {
    readonly tenant: string
    readonly sessionId: string
    readonly filename: string
    readonly mime: string
    readonly source: 'tool'
    readonly bytes: Uint8Array
  }): Promise<{ readonly id: string }>
}

/** The outcome of a call is worth more than its overflow: where it cannot be kept, the outcome says so, and is one all the same. */
export function keepIn(
  artifacts: Artifacts | undefined,
  maxBytes: number,
  { tenant, sessionId, tool, callId }: Invocation,
  log: Logger,
): Keep | undefined {
  if (artifacts === undefined) return undefined
  return async (output) => {
    const bytes = Buffer.from(output, 'utf8')
    if (bytes.length > maxBytes) return `the whole has ${bytes.length} bytes, more than the ${maxBytes} that are kept`
    const filename = `${tool}-${callId.slice(callId.lastIndexOf('/') + 1).replaceAll(/[^\w.-]/g, '_')}.txt`
    try {
      const { id } = await artifacts.save({ tenant, sessionId, filename, mime: 'text/plain', source: 'tool', bytes })
      return `the whole is the attachment ${id}: GET /v1/attachments/${id}`
    } catch (error) {
      log.warn({ call: callId, error: String(error) }, 'the whole output of a tool could not be kept')
      return 'the whole could not be kept'
    }
  }
}
