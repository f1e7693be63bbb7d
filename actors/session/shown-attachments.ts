import type { Attachment, Attachments } from '../../persistence/attachments.ts'
import type { ModelImage, ModelMessage, ModelRequest } from '../../transports/model/client.ts'

/** Types that models with eyes take. */
const IMAGES = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif'])
/** Endpoints refuse larger ones; each costs thousands of tokens. The newest are shown, the others only named. */
const MAX_IMAGE_BYTES = 5 * 1024 * 1024
const MAX_IMAGES = 8

export interface AttachmentOwner {
  readonly tenant: string
  readonly sessionId: string
}

/**
 * Puts what messages were sent with before the model: a line that names each file, so that it can ask document_ingest for
 * it, and for a model that takes images the images themselves. Looked up at every call: a file that was quarantined or
 * deleted meanwhile is not shown.
 */
export async function showAttachments(
  request: ModelRequest,
  owner: AttachmentOwner,
  store: Pick<Attachments, 'get' | 'read'>,
  takesImages: boolean,
): Promise<ModelRequest> {
  if (!request.messages.some((message) => namesOf(message).length > 0)) return request
  let room = takesImages ? MAX_IMAGES : 0
  const messages: ModelMessage[] = []
  // A client that sends its conversation again names the same image again: the model looks at it once, at its latest place.
  const shown = new Set<string>()
  for (const message of request.messages.toReversed()) {
    const names = namesOf(message)
    if (names.length === 0 || message.role !== 'user') {
      messages.unshift(message)
      continue
    }
    const lines: string[] = []
    const images: ModelImage[] = []
    for (const name of names) {
      const found = await ownedBy(owner, store, name)
      if (!found) {
        lines.push(`[Attachment ${name.slice(0, 100)}: not available.]`)
        continue
      }
      let where = shown.has(found.id) ? 'It is shown below.' : 'It is an image that is not shown here.'
      if (room > 0 && IMAGES.has(found.mime) && found.size <= MAX_IMAGE_BYTES && !shown.has(found.id)) {
        shown.add(found.id)
        images.push({ mime: found.mime, base64: await base64Of(store, found) })
        room--
        where = 'It is shown here.'
      }
      lines.push(lineOf(found, where))
    }
    const content = [message.content, ...lines].filter((text) => text !== '').join('\n\n')
    messages.unshift({ role: 'user', content, ...(images.length > 0 && { images }) })
  }
  return { ...request, messages }
}

function namesOf(message: ModelMessage): readonly string[] {
  return message.role === 'user' ? (message.attachments ?? []) : []
}

/** Checked when the message was accepted; since then it may have been quarantined or deleted. */
async function ownedBy({ tenant, sessionId }: AttachmentOwner, store: Pick<Attachments, 'get'>, name: string) {
  const found = await store.get(tenant, name.split('/').at(-1) ?? '')
  return found?.sessionId === sessionId && found.status === 'clean' ? found : undefined
}

function lineOf({ filename, mime, size, id }: Attachment, where: string): string {
  const how = mime.startsWith('image/') && mime !== 'image/svg+xml' ? where : 'document_ingest reads its text.'
  return `[Attachment: ${filename}, ${mime}, ${size} bytes, id ${id}. ${how}]`
}

async function base64Of(store: Pick<Attachments, 'read'>, { tenant, id }: Attachment): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of store.read(tenant, id)) pieces.push(piece)
  return Buffer.concat(pieces).toString('base64')
}
