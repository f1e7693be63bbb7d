import { fileTypeFromBuffer } from 'file-type'

/** What content is, by what is in it. `text` says that a person could read it in an editor. */
export interface ContentType {
  readonly mime: string
  readonly family: 'text' | 'markup' | 'image' | 'document' | 'archive' | 'program' | 'media' | 'other'
  /** Of markup: whether a browser would run something of it. */
  readonly active?: boolean
}

/** As much of a file as its type is told from. */
export const HEAD_BYTES = 64 * 1024

const byExtension: Readonly<Record<string, string>> = {
  md: 'text/markdown',
  markdown: 'text/markdown',
  csv: 'text/csv',
  json: 'application/json',
  yaml: 'application/yaml',
  yml: 'application/yaml',
  html: 'text/html',
  htm: 'text/html',
  svg: 'image/svg+xml',
  xml: 'application/xml',
}

const programs =
  /^application\/(x-msdownload|x-elf|x-mach-binary|java-vm|java-archive|vnd\.android\.package-archive|wasm|x-deb|x-rpm|x-apple-diskimage|x-google-chrome-extension|x-xpinstall|vnd\.microsoft\.portable-executable|x-msi|x-ms-shortcut|x\.ms\.shortcut|x-bat)$/
const archives =
  /^application\/(zip|gzip|x-gzip|x-bzip2|x-xz|x-7z-compressed|x-rar-compressed|x-tar|zstd|x-lz4|x-compress|x-lzip|x-ace-compressed|x-arj|x\.ace|vnd\.ms-cab-compressed)$/
const documents = /^application\/(pdf|rtf|x-cfb|epub\+zip|vnd\.(openxmlformats|oasis|ms-)|postscript|msword)/

export async function contentTypeOf(head: Uint8Array, filename: string): Promise<ContentType> {
  // The mark of UTF-16 is also how a frame of MPEG audio may begin: what reads as words goes first.
  const marked = markedTextOf(head)
  const magic = marked === undefined ? await fileTypeFromBuffer(head.slice()).catch(() => undefined) : undefined
  if (magic && magic.mime !== 'application/xml') return { mime: magic.mime, family: familyOf(magic.mime) }
  if (head.length === 0) return { mime: 'text/plain', family: 'text' }
  const text = marked ?? textOf(head)
  if (text === undefined) return { mime: 'application/octet-stream', family: 'other' }
  const named = byExtension[extensionOf(filename)]
  if (/^\s*(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*)*(<!doctype svg[^>]*>\s*)?<svg[\s>]/i.test(text)) {
    return { mime: 'image/svg+xml', family: 'markup', active: RUNS.test(text) }
  }
  if (
    /^\s*(<!--[\s\S]*?-->\s*)*<(!doctype html|html|head|body|script|iframe|object|embed|meta|style)[\s>]/i.test(text)
  ) {
    return { mime: 'text/html', family: 'markup', active: true }
  }
  if (named === 'text/html' || named === 'image/svg+xml') return { mime: 'text/plain', family: 'text' }
  return { mime: named ?? 'text/plain', family: 'text' }
}

const RUNS = /<script|\son[a-z]+\s*=|javascript:|<foreignobject|<iframe|<!entity/i

function familyOf(mime: string): ContentType['family'] {
  if (programs.test(mime)) return 'program'
  if (documents.test(mime)) return 'document'
  if (archives.test(mime)) return 'archive'
  if (mime.startsWith('image/')) return 'image'
  if (/^(audio|video)\//.test(mime)) return 'media'
  return mime.startsWith('text/') ? 'text' : 'other'
}

/** Text of UTF-16 with its mark. Undefined: it is none. */
function markedTextOf(head: Uint8Array): string | undefined {
  const label = head[0] === 0xff && head[1] === 0xfe ? 'utf-16le' : head[0] === 0xfe && head[1] === 0xff && 'utf-16be'
  if (!label) return undefined
  try {
    const text = new TextDecoder(label, { fatal: true }).decode(head, { stream: true })
    return /(?![\t-\r])\p{Cc}/u.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

/** Undefined: it is not text. The head may end in the middle of a character. */
function textOf(head: Uint8Array): string | undefined {
  if (head.includes(0)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true })
  } catch {
    // Old single-byte encodings have no mark; what is mostly printable is taken for one.
    const control = head.filter((byte) => byte < 9 || (byte > 13 && byte < 32)).length
    return control === 0 ? new TextDecoder('latin1').decode(head) : undefined
  }
}

export function extensionOf(filename: string): string {
  return /\.([^.]{1,16})$/.exec(filename)?.[1]?.toLowerCase() ?? ''
}
