import { createHash } from 'node:crypto'
import { z } from 'zod'
import { Failure, type FailureCode } from '../../../actors/kernel/failure.ts'
import { shownFilename } from '../uploads/filename.ts'
import { inlineData } from './data-url.ts'
import { paramOf } from './error.ts'

/** Both surfaces name their parts differently and mean the same; each takes the words of either. */
export const part = z.looseObject({ type: z.string(), text: z.string().optional(), refusal: z.string().optional() })
export const content = z.union([z.string(), z.array(part)])
export type Content = z.infer<typeof content>

export interface ReadContent {
  readonly text: string
  readonly files: readonly GivenFile[]
}

/** An image or a file that a message brings along. */
export interface GivenFile {
  /** Where in the body. */
  readonly path: string
  readonly kind: 'image' | 'file'
  readonly filename?: string | undefined
  readonly from: GivenInline | { readonly url: string } | { readonly id: string }
}

export interface GivenInline {
  readonly declared: string | undefined
  readonly sha256: string
  readonly size: number
  /** Let go of once it is stored: the request lives as long as its answer takes. */
  bytes: Uint8Array | undefined
}

const textParts = new Set(['text', 'input_text', 'output_text', 'refusal'])
const ADDRESS_CHARS = 8_000

/**
 * The text and the files of a message. A file that is in the request itself is replaced there by its hash: the request's
 * fingerprint stays its own, and nobody keeps 30 MB of base64 until the answer comes.
 */
export function readContent(given: Content, path: string): ReadContent {
  if (typeof given === 'string') return { text: given, files: [] }
  const files: GivenFile[] = []
  const texts = given.map((one, index) => {
    if (textParts.has(one.type)) return one.text ?? one.refusal ?? ''
    files.push(fileOf(one, `${path}/${index}`))
    return ''
  })
  return { text: texts.join(''), files }
}

/** Of a message that may not bring files. */
export function textOf(given: Content, path: string, whose: string): string {
  if (typeof given === 'string') return given
  return given
    .map((one, index) => {
      if (textParts.has(one.type)) return one.text ?? one.refusal ?? ''
      return refuse(
        `${path}/${index}`,
        `a part of type \`${one.type.slice(0, 100)}\` is not taken in ${whose}, only text.`,
      )
    })
    .join('')
}

export function refuse(path: string, why: string, code: FailureCode = 'CONTENT_INVALID'): never {
  throw new Failure(code, `\`${paramOf(path)}\`: ${why}`, { errors: [{ path, message: why }] })
}

type Part = Record<string, unknown>

function fileOf(one: z.infer<typeof part>, path: string): GivenFile {
  const given = one as Part
  switch (one.type) {
    case 'image_url':
      return typeof given.image_url === 'string'
        ? imageOf(given, 'image_url', path)
        : imageOf(partsOf(given.image_url), 'url', `${path}/image_url`)
    case 'input_image':
      return imageOf(given, 'image_url', path)
    case 'file':
      return documentOf(partsOf(given.file), `${path}/file`)
    case 'input_file':
      return documentOf(given, path)
    default:
      return refuse(path, `a part of type \`${one.type.slice(0, 100)}\` is not taken, only text, images and files.`)
  }
}

function partsOf(value: unknown): Part {
  return typeof value === 'object' && value !== null ? (value as Part) : {}
}

function imageOf(holder: Part, field: string, path: string): GivenFile {
  if (isText(holder.file_id)) return { path: `${path}/file_id`, kind: 'image', from: { id: holder.file_id } }
  const url = holder[field]
  const at = `${path}/${field}`
  if (!isText(url)) return refuse(at, 'an image is given by its URL: data:image/png;base64,… .')
  if (/^https?:/i.test(url)) return { path: at, kind: 'image', from: { url: address(url, at) } }
  if (!/^data:/i.test(url)) return refuse(at, 'it is neither a data: URL nor one of http or https.')
  return { path: at, kind: 'image', from: inlineOf(holder, field, at) }
}

function documentOf(holder: Part, path: string): GivenFile {
  const { file_id: id, file_url: url, file_data: data } = holder
  if (isText(id)) return { path: `${path}/file_id`, kind: 'file', from: { id } }
  const filename = isText(holder.filename) ? filenameOf(holder.filename, `${path}/filename`) : undefined
  const at = `${path}/file_data`
  if (isText(data)) return { path: at, kind: 'file', filename, from: inlineOf(holder, 'file_data', at) }
  if (isText(url)) {
    const where = `${path}/file_url`
    if (!/^https?:/i.test(url)) return refuse(where, 'it is not a URL of http or https; file_data takes a data: URL.')
    return { path: where, kind: 'file', filename, from: { url: address(url, where) } }
  }
  return refuse(at, 'a file is given by `file_data` (data:application/pdf;base64,…) or `file_id`.')
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function filenameOf(given: string, path: string): string {
  return shownFilename(given) ?? refuse(path, 'nothing of this name could be shown.')
}

function address(url: string, path: string): string {
  if (url.length > ADDRESS_CHARS || !URL.canParse(url)) return refuse(path, 'it is no URL.')
  return url
}

function inlineOf(holder: Part, field: string, path: string): GivenInline {
  const data = inlineData(holder[field] as string)
  if (typeof data === 'string') return refuse(path, data)
  const { declared, bytes } = data
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  holder[field] = `data:${declared ?? ''};sha256,${sha256}`
  return { declared, sha256, size: bytes.length, bytes }
}
