import type { Content } from '../../persistence/attachments.ts'
import type { Finding } from './finding.ts'

/** What the parts of an Office document of the old format are called, as its directory writes it. */
const telling: readonly (readonly [Buffer, Finding])[] = [
  [Buffer.from('_VBA_PROJECT', 'utf16le'), ['macro', 'it is an Office document with macros']],
  [
    Buffer.from('\u0001Ole10Native', 'utf16le'),
    ['embedded-object', 'it is an Office document with an embedded file (OLE)'],
  ],
]

export async function oldOfficeFindings(content: Content): Promise<Finding[]> {
  const found = new Set<Finding>()
  let rest = Buffer.alloc(0)
  for await (const piece of content.read({ from: 0, to: content.size })) {
    // Across the borders of pieces too.
    const window = Buffer.concat([rest, piece])
    for (const [name, finding] of telling) if (window.includes(name)) found.add(finding)
    rest = Buffer.from(window.subarray(Math.max(0, window.length - OVERLAP)))
  }
  return [...found]
}

const OVERLAP = 64
