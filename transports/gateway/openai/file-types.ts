/** What the models' clients may send, by what the content is; documents are those that document_ingest reads. */
const images: Readonly<Record<string, string>> = {
  'image/png': '.png',
  'image/jpeg': '.jpg',
  'image/gif': '.gif',
  'image/webp': '.webp',
}

const documents: Readonly<Record<string, string>> = {
  'application/pdf': '.pdf',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': '.docx',
  'application/json': '.json',
  'application/yaml': '.yaml',
  'text/markdown': '.md',
  'text/html': '.html',
  'text/csv': '.csv',
  'text/plain': '.txt',
}

export function extensionOf(mime: string): string {
  return images[mime] ?? documents[mime] ?? ''
}

/** Why a part of that kind cannot be of that type; undefined: it can. */
export function notTaken(kind: 'image' | 'file', mime: string): string | undefined {
  if (kind === 'image') return mime in images ? undefined : `it is ${mime}; images are png, jpeg, gif or webp.`
  if (mime in documents || mime.startsWith('text/')) return undefined
  if (mime in images) return `it is ${mime}: send an image in a part of type image_url or input_image.`
  return `it is ${mime}; files are PDF, text, Markdown, HTML or DOCX.`
}
