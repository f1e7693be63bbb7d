/** What the first bytes of a file say that it is; undefined for text. */
export function binaryKind(head: Uint8Array): string | undefined {
  const text = Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1')
  for (const [start, kind] of kinds) if (text.startsWith(start)) return kind
  if (text.startsWith('RIFF')) return text.slice(8, 12) === 'WEBP' ? 'a WebP image' : 'a RIFF file (audio or video)'
  if (text.slice(4, 8) === 'ftyp') return 'an MP4 or similar video'
  return text.includes('\0') ? 'binary data' : undefined
}

const kinds: readonly (readonly [string, string])[] = [
  ['%PDF-', 'a PDF document'],
  ['\x89PNG', 'a PNG image'],
  ['\xff\xd8\xff', 'a JPEG image'],
  ['GIF8', 'a GIF image'],
  ['PK\x03\x04', 'a ZIP archive, or a document that is one (DOCX, XLSX, ODT)'],
  ['\x1f\x8b', 'a gzip archive'],
  ['BZh', 'a bzip2 archive'],
  ['\xfd7zXZ', 'an xz archive'],
  ['7z\xbc\xaf', 'a 7z archive'],
  ['\x7fELF', 'a Linux program'],
  ['MZ', 'a Windows program'],
  ['\0asm', 'a WebAssembly module'],
  ['SQLite format 3\0', 'an SQLite database'],
  ['\xff\xfe', 'text in UTF-16; save it as UTF-8'],
  ['\xfe\xff', 'text in UTF-16; save it as UTF-8'],
  ['ID3', 'an MP3 recording'],
  ['OggS', 'an Ogg recording'],
]
