import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { Failure, type FailureCode, isFailure } from '../../../actors/kernel/failure.ts'
import type { Attachment, Verdict } from '../../../persistence/attachments.ts'
import type { GatewayContext } from '../gateway.ts'
import { isUuid, uuidOf } from '../session-id.ts'
import { attachmentPath } from '../uploads/attachment-json.ts'
import { namedId } from '../uploads/named-attachments.ts'
import { type GivenFile, type GivenInline, refuse } from './content-part.ts'
import { paramOf } from './error.ts'
import { extensionOf, notTaken } from './file-types.ts'

/** Of all the addresses that one request names. */
const FETCH_MS = 30_000

/**
 * Stores what messages brought along as attachments of the session, as uploads are, and answers their paths.
 *   F1. The id follows from session, name and content: what a client sends again, with the same Idempotency-Key or in
 *       the history of its next request, is the attachment that is there, and is not stored twice. A request that names
 *       no session has one of its own, so attachments of its own too; their bytes are the tenant's and kept once (A7).
 *   F2. An address is fetched once in a session: its id follows from the URL, so a repeat has the same content.
 *   F3. What an upload would put into quarantine is stored there, for an operator, and the turn is refused. Content that
 *       only is not what it says is refused without a trace: nobody would have to decide on it.
 */
export async function keptFiles(
  context: GatewayContext,
  request: FastifyRequest,
  sessionId: string,
  given: { readonly turn: readonly GivenFile[]; readonly all: readonly GivenFile[] },
): Promise<Map<GivenFile, string>> {
  const { attachments, config, screen, heldBytes, fetchFile, log } = context
  const { tenant } = request.caller
  const signal = AbortSignal.timeout(FETCH_MS)
  const kept = new Map<GivenFile, string>()
  // One after another: a request never holds more than its own body and one file.
  for (const file of given.all) {
    const { from } = file
    const found =
      'id' in from
        ? await named(file, from.id)
        : 'url' in from
          ? await fetched(file, from.url)
          : await inline(file, from)
    checkStatus(file, found)
    kept.set(file, attachmentPath(found.id))
  }
  return kept

  async function named({ path }: GivenFile, name: string): Promise<Attachment> {
    const id = namedId(name)
    const found = isUuid(id) ? await attachments.get(tenant, id) : undefined
    if (found?.sessionId === sessionId) return found
    const why = found
      ? 'it belongs to another session: name that one (metadata.session_id).'
      : 'there is no such attachment: upload it to the session with POST /v1/uploads, or send it as a data: URL.'
    return refuse(path, why, 'ATTACHMENT_NOT_FOUND')
  }

  /** F1. */
  async function inline(file: GivenFile, from: GivenInline): Promise<Attachment> {
    const id = uuidOf('content', tenant, sessionId, file.filename ?? file.kind, from.sha256)
    const there = await attachments.get(tenant, id)
    const saved = there ?? (await save(file, id, from.declared, from.bytes ?? new Uint8Array()))
    from.bytes = undefined
    return saved
  }

  /** F2. */
  async function fetched(file: GivenFile, url: string): Promise<Attachment> {
    const id = uuidOf('address', tenant, sessionId, file.filename ?? file.kind, url)
    const there = await attachments.get(tenant, id)
    if (there) return there
    const release = heldBytes.take(tenant, config.uploads.fileBytes)
    try {
      const bytes = await fetchFile?.(url, { signal, maxBytes: config.uploads.fileBytes })
      log.info({ sessionId, host: new URL(url).hostname, bytes: bytes?.length }, 'a file was fetched for a client')
      return await save(file, id, undefined, bytes ?? new Uint8Array())
    } catch (error) {
      log.info({ sessionId, host: new URL(url).hostname, error }, 'a file was not fetched for a client')
      throw notFetched(file.path, error, signal)
    } finally {
      release()
    }
  }

  async function save(
    file: GivenFile,
    id: string,
    declared: string | undefined,
    bytes: Uint8Array,
  ): Promise<Attachment> {
    const { uploads } = config
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const mime = declared ?? ''
    const filename = file.filename ?? `${file.kind}-${sha256.slice(0, 8)}${extensionOf(mime)}`
    const saved = await attachments
      .save({
        ...{ id, tenant, sessionId, filename, mime, source: 'message', bytes, sha256 },
        maxBytes: uploads.fileBytes,
        room: { count: uploads.sessionFiles, bytes: uploads.sessionBytes },
        async screen(content, _claimed) {
          // A name that was made up here claims nothing.
          const verdict = await screen(content, { filename: file.filename ?? unnamed(file, mime), mime })
          refuseUntaken(file, verdict)
          return verdict
        },
      })
      .catch((error: unknown) => {
        if (!isFailure(error) || error.code !== 'UPLOAD_LIMIT') throw error
        return refuse(file.path, error.detail, error.code)
      })
    await context.uploadNotes(request, sessionId, { id, filename }).send(saved.status, saved)
    return saved
  }

  /** What an operator took out of an earlier message does not stop the conversation: the model reads "not available". */
  function checkStatus(file: GivenFile, found: Attachment): void {
    if (found.status === 'clean') return
    if (found.decidedBy !== undefined && !given.turn.includes(file)) return
    const why = `it is quarantined: ${found.quarantineReason ?? 'by an operator'}.`
    refuse(file.path, why, 'ATTACHMENT_QUARANTINED')
  }
}

/** F3. A page instead of an image is the commonest answer of a server that wants a login: no case for an operator either. */
function refuseUntaken({ path, kind }: GivenFile, { mime, quarantineReason = '' }: Verdict): void {
  const [, rule, found] = /^(\S+): (.*)$/s.exec(quarantineReason) ?? []
  if (rule === 'mismatch') refuse(path, `${found}.`)
  const why = notTaken(kind, mime)
  if (why !== undefined && (rule === undefined || rule === 'active')) refuse(path, why)
}

/** Only text is known by its name alone. */
function unnamed({ kind }: GivenFile, declared: string): string {
  return declared.startsWith('text/') ? `${kind}${extensionOf(declared)}` : kind
}

/** The guard's words say where a name leads inside the network: that is for the log of who runs this, not for a client. */
function notFetched(path: string, error: unknown, signal: AbortSignal): unknown {
  const told = (why: string, code: FailureCode = 'CONTENT_NOT_FETCHED') =>
    new Failure(code, `\`${paramOf(path)}\`: ${why}`, { cause: error, errors: [{ path, message: why }] })
  if (!isFailure(error)) return signal.aborted ? told(`it did not come within ${FETCH_MS / 1_000} s.`) : error
  switch (error.code) {
    case 'BLOCKED_ADDRESS':
      return told('it is not at a public http or https address.')
    case 'TOOL_FAILED':
    case 'TOOL_ARGUMENTS':
      return told(error.detail)
    case 'UPLOAD_TOO_LARGE':
      return told(error.detail, error.code)
    default:
      return error
  }
}
