import { pack, unpack } from 'msgpackr'
import { isAddress } from '../../actors/kernel/address.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import { isDeeper } from '../json-depth.ts'

/**
 * Envelopes as Kafka records between nodes: msgpack, with the version of the shape in a header. A record without our header
 * is somebody else's (public-messages.ts).
 */
export const ENVELOPE_VERSION = '1'
const VERSION_HEADER = 'soma-envelope'
/** More than any of ours; far less than overflows the stack of whoever journals or parks it, and is never settled then. */
const MAX_DEPTH = 200

/** msgpack is UTF-8, which has no lone surrogates: msgpackr writes this for one in a long string… */
const REPLACEMENT = Buffer.from('\ufffd')
/** …and in a short one a sequence that begins so and goes on with A0 or more, which UTF-8 does not know. */
const SURROGATE = 0xed

export function encodeEnvelope(envelope: Envelope): { value: Buffer; headers: Record<string, string> } {
  const packed = pack(envelope)
  // JSON escapes lone surrogates, so the rare envelope that may have one travels as JSON and arrives as it was sent.
  if (packed.includes(REPLACEMENT) || hasSurrogate(packed)) {
    return { value: Buffer.from(JSON.stringify(envelope)), headers: { [VERSION_HEADER]: `${ENVELOPE_VERSION}; json` } }
  }
  return { value: packed, headers: { [VERSION_HEADER]: ENVELOPE_VERSION } }
}

function hasSurrogate(packed: Buffer): boolean {
  for (let at = packed.indexOf(SURROGATE); at >= 0; at = packed.indexOf(SURROGATE, at + 1)) {
    if ((packed[at + 1] ?? 0) >= 0xa0) return true
  }
  return false
}

export function isEnvelope(headers: Readonly<Record<string, Buffer | undefined>>): boolean {
  return headers[VERSION_HEADER] !== undefined
}

/** Throws MALFORMED_MESSAGE for what is none, or is of a version from the future. */
export function decodeEnvelope(value: Buffer | null, headers: Readonly<Record<string, Buffer | undefined>>): Envelope {
  const [version, form] = String(headers[VERSION_HEADER]).split('; ')
  if (version !== ENVELOPE_VERSION) {
    throw new Failure('MALFORMED_MESSAGE', `envelope version ${version}; this node reads ${ENVELOPE_VERSION}`)
  }
  let decoded: unknown
  try {
    decoded = form === 'json' ? JSON.parse(String(value)) : unpack(value ?? Buffer.alloc(0))
  } catch (error) {
    throw new Failure('MALFORMED_MESSAGE', 'the record is no envelope that can be read', { cause: error })
  }
  // A level takes a byte at least, so small records, which are most, need no look.
  if (value !== null && value.length > MAX_DEPTH && isDeeper(decoded, MAX_DEPTH)) {
    throw new Failure('MALFORMED_MESSAGE', `the envelope is nested deeper than ${MAX_DEPTH}`)
  }
  const wrong = whatIsWrong(decoded)
  if (wrong !== undefined) throw new Failure('MALFORMED_MESSAGE', `the envelope's ${wrong} is not what it must be`)
  return decoded as Envelope
}

/** The fields that a node relies on before the actor parses the body. */
function whatIsWrong(decoded: unknown): string | undefined {
  if (typeof decoded !== 'object' || decoded === null) return 'shape'
  const { id, to, from, tenant, priority, trace, sentAt } = decoded as Partial<Record<keyof Envelope, unknown>>
  if (typeof id !== 'string' || id === '') return 'id'
  if (!isAddress(to)) return 'to'
  if (typeof from !== 'string') return 'from'
  if (typeof tenant !== 'string') return 'tenant'
  if (priority !== 'normal' && priority !== 'control') return 'priority'
  if (typeof trace !== 'object' || trace === null) return 'trace'
  return typeof sentAt === 'number' ? undefined : 'sentAt'
}
