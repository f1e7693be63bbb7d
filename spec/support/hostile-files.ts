import JSZip from 'jszip'

/** Written in two halves, so that no scanner takes this source for the test file itself. */
export const eicar = `X5O!P%@AP[4\\PZX54(P^)7CC)7}$${'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!'}$H+H*`

/** A small ZIP file that unpacks to that many zeros. */
export async function zipBomb(bytes: number, name = 'zeros.bin'): Promise<Uint8Array> {
  const zip = new JSZip()
  zip.file(name, new Uint8Array(bytes))
  return zip.generateAsync({ type: 'uint8array', compression: 'DEFLATE', compressionOptions: { level: 9 } })
}

export type Entries = Readonly<Record<string, string | Uint8Array>>

export async function zipOf(entries: Entries, compression: 'STORE' | 'DEFLATE' = 'DEFLATE'): Promise<Buffer> {
  const zip = new JSZip()
  for (const [name, content] of Object.entries(entries)) zip.file(name, content, { createFolders: false })
  return zip.generateAsync({ type: 'nodebuffer', compression })
}

/** In one another, the file in the innermost. */
export async function nestedZip(depth: number, innermost: Entries): Promise<Buffer> {
  let bytes = await zipOf(innermost)
  for (let n = 1; n < depth; n++) bytes = await zipOf({ 'inner.zip': bytes })
  return bytes
}

/** Its directory names every entry so many times, so that their bytes are unpacked as often. */
export async function overlappingZip(entries: Entries, times = 2): Promise<Buffer> {
  const bytes = await zipOf(entries)
  const end = Buffer.from(bytes.subarray(bytes.length - 22))
  const [count, size, from] = [end.readUInt16LE(10), end.readUInt32LE(12), end.readUInt32LE(16)]
  const directory = bytes.subarray(from, from + size)
  end.writeUInt16LE(times * count, 8)
  end.writeUInt16LE(times * count, 10)
  end.writeUInt32LE(times * size, 12)
  return Buffer.concat([bytes.subarray(0, from), ...Array(times).fill(directory), end])
}

/** One whose entries say that they are encrypted. */
export async function encryptedZip(entries: Entries): Promise<Buffer> {
  const bytes = await zipOf(entries)
  for (const [mark, flags] of [
    ['PK\x01\x02', 8],
    ['PK\x03\x04', 6],
  ] as const) {
    for (let at = bytes.indexOf(mark, 0, 'latin1'); at >= 0; at = bytes.indexOf(mark, at + 4, 'latin1')) {
      bytes.writeUInt16LE(bytes.readUInt16LE(at + flags) | 1, at + flags)
    }
  }
  return bytes
}

const relationships = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'

/** A Word document that says "Hello", with further parts; `rels` are `[type, target]` of what lies outside of it. */
export function docxWith(more: Entries = {}, rels: readonly (readonly [string, string])[] = []): Promise<Buffer> {
  const one = ([type, target]: readonly [string, string], n: number) =>
    `<Relationship Id="r${n}" Type="${relationships}/${type}" Target="${target}" TargetMode="External"/>`
  const package_ = 'http://schemas.openxmlformats.org/package/2006/relationships'
  return zipOf({
    '[Content_Types].xml': '<Types><Default Extension="xml" ContentType="application/xml"/></Types>',
    '_rels/.rels': `<Relationships xmlns="${package_}"><Relationship Id="d" Type="${relationships}/officeDocument" Target="word/document.xml"/></Relationships>`,
    'word/_rels/document.xml.rels': `<Relationships xmlns="${package_}">${rels.map(one).join('')}</Relationships>`,
    'word/document.xml':
      '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>Hello</w:t></w:r></w:p></w:body></w:document>',
    ...more,
  })
}

/** What every program of Windows begins with. */
export const program = Buffer.concat([Buffer.from('MZ\x90\0', 'latin1'), Buffer.alloc(400)])
