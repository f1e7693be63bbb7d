import { createHash, type Hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { Failure, isFailure } from '../../../actors/kernel/failure.ts'
import type { Attachment, Attachments, Held } from '../../../persistence/attachments.ts'
import type { GatewayContext } from '../gateway.ts'
import { idempotencyKeyOf } from '../idempotency-key.ts'
import { headerOf } from '../request-headers.ts'
import { sessionIdOf, uuidOf } from '../session-id.ts'
import { shownFilename } from './filename.ts'

type FilePart = Extract<Awaited<ReturnType<ReturnType<FastifyRequest['parts']>['next']>>['value'], { type: 'file' }>

/** Other fields than ours are read and left alone; so many of them are nobody's form. */
const MAX_FIELDS = 20
const MAX_FIELD_BYTES = 2_000

/**
 * One POST /v1/uploads: file after file goes from the socket into the store, none is ever held whole. A file is saved or
 * not; one that breaks ends the upload, and what was saved before stays, found again by the same Idempotency-Key.
 */
export async function takeUpload(context: GatewayContext, request: FastifyRequest): Promise<Attachment[]> {
  const { clock, config } = context
  const { uploads } = config
  const parts = request.parts({
    limits: {
      files: uploads.files,
      fileSize: Number.POSITIVE_INFINITY,
      fields: MAX_FIELDS,
      fieldSize: MAX_FIELD_BYTES,
      parts: uploads.files + MAX_FIELDS,
      headerPairs: 50,
    },
  })
  let current: FilePart | undefined
  let expire = (_failure: Failure) => {}
  const expired = new Promise<never>((_resolve, reject) => {
    expire = reject
  })
  expired.catch(() => {})
  const stopClock = clock.after(uploads.seconds * 1_000, () => {
    const failure = new Failure('UPLOAD_TIMEOUT', `The upload did not end within ${uploads.seconds} s.`)
    expire(failure)
    current?.file.destroy(failure)
  })
  const saved: Attachment[] = []
  let named = namedOutside(request)
  let session: string | undefined
  try {
    for (;;) {
      const next = await Promise.race([parts.next(), expired])
      if (next.done) break
      const part = next.value
      if (part.type === 'field') {
        if (part.fieldname !== 'session_id') continue
        const value = String(part.value)
        if (session !== undefined && sessionIdOf(request.caller.tenant, value) !== session) {
          throw new Failure(
            'UPLOAD_INVALID',
            'session_id comes after a file: send it first, as ?session_id= or a header.',
          )
        }
        named = value
        continue
      }
      current = part
      session ??= await enterSession(context, request, named)
      saved.push(await saveFile(context, request, part, session, saved.length))
    }
  } catch (error) {
    throw translated(error, uploads.files)
  } finally {
    stopClock()
    current?.file.resume()
  }
  if (saved.length === 0) throw new Failure('UPLOAD_INVALID', 'There is no file in the upload.')
  return saved
}

function namedOutside(request: FastifyRequest): string | undefined {
  const { session_id: query } = request.query as { session_id?: string }
  return query ?? headerOf(request, 'x-session-id')
}

/** A session that is not there yet is born by its first upload, as by its first message. */
async function enterSession(context: GatewayContext, request: FastifyRequest, named: string | undefined) {
  const { tenant } = request.caller
  const key = idempotencyKeyOf(request)
  const { ids, door } = context
  if (named !== undefined && (named === '' || named.length > 128)) {
    throw new Failure('UPLOAD_INVALID', 'session_id takes 1 to 128 characters.')
  }
  const sessionId =
    named !== undefined
      ? sessionIdOf(tenant, named)
      : key === undefined
        ? ids.uuid()
        : uuidOf('key-session', tenant, key)
  await door.enter(request.caller, sessionId, named === undefined ? {} : { named })
  return sessionId
}

async function saveFile(
  context: GatewayContext,
  request: FastifyRequest,
  part: FilePart,
  sessionId: string,
  index: number,
): Promise<Attachment> {
  const { attachments, config, ids, screen } = context
  const { uploads } = config
  const { tenant } = request.caller
  if (part.fieldname !== 'files' && part.fieldname !== 'file') {
    throw new Failure('UPLOAD_INVALID', `The field of a file is files, not ${part.fieldname.slice(0, 100)}.`)
  }
  const filename = shownFilename(part.filename)
  if (filename === undefined) throw new Failure('UPLOAD_INVALID', `File ${index + 1} has no name that could be shown.`)
  const key = idempotencyKeyOf(request)
  const id = key === undefined ? ids.uuid() : uuidOf('attachment', tenant, key, String(index))
  const room = { count: uploads.sessionFiles, bytes: uploads.sessionBytes }
  await refuseIfFull(attachments, room, { tenant, sessionId, id })
  const note = context.uploadNotes(request, sessionId, { id, filename })
  const sent = createHash('sha256')
  await note.send('uploading')
  try {
    const saved = await attachments.save({
      id,
      tenant,
      sessionId,
      filename,
      mime: part.mimetype,
      source: 'upload',
      bytes: hashed(part.file, sent),
      maxBytes: uploads.fileBytes,
      room,
      screen: (content, claimed) => screen(content, { ...claimed, sentName: part.filename }),
    })
    if (saved.sessionId !== sessionId || saved.filename !== filename || saved.sha256 !== sent.digest('hex')) {
      throw new Failure('IDEMPOTENCY_CONFLICT', `The key belongs to an earlier upload, of ${saved.filename}.`)
    }
    await note.send(saved.status, saved)
    return saved
  } catch (error) {
    await note.send('failed', undefined, isFailure(error) ? error.code : 'UPLOAD_INVALID')
    throw error
  }
}

/**
 * Before the bytes come, so that a full session takes none; the store counts again when it saves. What is there already under
 * its key is answered: it takes no more room.
 */
async function refuseIfFull(
  attachments: Pick<Attachments, 'usage' | 'get'>,
  room: Held,
  { tenant, sessionId, id }: { readonly tenant: string; readonly sessionId: string; readonly id: string },
): Promise<void> {
  const held = await attachments.usage(tenant, sessionId)
  if (held.count < room.count && held.bytes < room.bytes) return
  if (await attachments.get(tenant, id)) return
  throw new Failure('UPLOAD_LIMIT', `The session holds ${held.count} attachments of ${held.bytes} bytes already.`)
}

/** The store answers what it has under the id: only the hash of what was sent tells whether that is the same. */
async function* hashed(bytes: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    hash.update(piece)
    yield piece
  }
}

/** What the parser throws, in our words. */
function translated(error: unknown, files: number): unknown {
  if (isFailure(error)) return error
  const { code, message } = error as { code?: string; message?: string }
  if (code === 'FST_FILES_LIMIT' || code === 'FST_PARTS_LIMIT') {
    return new Failure('UPLOAD_TOO_LARGE', `An upload takes ${files} files at most.`, { cause: error })
  }
  if (code?.startsWith('FST_') || /multipart|premature|part terminated|unexpected end|aborted/i.test(message ?? '')) {
    return new Failure('UPLOAD_INVALID', `The upload is damaged or incomplete: ${message ?? 'it broke off'}.`, {
      cause: error,
    })
  }
  return error
}
