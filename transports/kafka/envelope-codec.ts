import { pack, Unpackr } from 'msgpackr'
import { isAddress } from '../../actors/kernel/address.ts'
import type { Envelope } from '../../actors/kernel/envelope.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import { isWritable } from '../json-depth.ts'

/**
 * Envelopes as Kafka records between nodes: msgpack, with the version of the shape in a header. A record without our header
 * is somebody else's (public-messages.ts).
 */
export const ENVELOPE_VERSION = '1'
const VERSION_HEADER = 'soma-envelope'
/**
 * More than any of ours. What the database cannot take can neither be journaled nor parked, and would be tried for ever:
 * JSON that overflows the stack, a key longer than an index takes, an address with NUL.
 */
const MAX_DEPTH = 200
const MAX_NAME = 256
const UNSTORABLE = /\0|\p{Cs}/u

/** Without references, by which a value may contain itself. */
const unpackr = new Unpackr({ useRecords: false, structuredClone: false })

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
    decoded = form === 'json' ? JSON.parse(String(value)) : unpackr.unpack(value ?? Buffer.alloc(0))
  } catch (error) {
    throw new Failure('MALFORMED_MESSAGE', 'the record is no envelope that can be read', { cause: error })
  }
  const wrong = whatIsWrong(decoded)
  if (wrong !== undefined) throw new Failure('MALFORMED_MESSAGE', `the envelope's ${wrong} is not what it must be`)
  return decoded as Envelope
}

/** The fields that a node relies on before the actor parses the body. */
function whatIsWrong(decoded: unknown): string | undefined {
  if (typeof decoded !== 'object' || decoded === null) return 'shape'
  const { id, to, from, tenant, priority, trace, sentAt } = decoded as Partial<Record<keyof Envelope, unknown>>
  if (!isName(id) || id === '') return 'id'
  if (!isAddress(to) || UNSTORABLE.test(to)) return 'to'
  if (typeof from !== 'string') return 'from'
  if (!isName(tenant)) return 'tenant'
  if (priority !== 'normal' && priority !== 'control') return 'priority'
  if (!isTrace(trace)) return 'trace'
  if (!Number.isFinite(sentAt)) return 'sentAt'
  return isWritable(decoded, MAX_DEPTH) ? undefined : 'content'
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_NAME
}

function isTrace(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).every((it) => typeof it === 'string')
}
