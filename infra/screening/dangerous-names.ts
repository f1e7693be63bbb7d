import type { Finding } from './finding.ts'

/**
 * Names by which a file is run, installed or obeyed when somebody opens it, as mail gateways hold them back, whatever is
 * in it: what is text here may be made a program by what the next one does with it. Source files are not among them: no
 * desktop runs a .py, .sh or .ts that is opened, and they are what people come with.
 */
const PROGRAMS = words(`
  exe com scr pif cpl dll ocx sys drv xll wll
  msi msp mst msu msix msixbundle appx appxbundle appinstaller appref-ms application xbap gadget jnlp jar apk xapk
  deb rpm dmg pkg xpi crx iso vhd vhdx
  lnk scf url website reg inf msc chm hlp theme themepack
  diagcab diagcfg diagpkg settingcontent-ms library-ms search-ms searchconnector-ms`)
const SCRIPTS = words('vbs vbe jse ws wsf wsc wsh sct hta shb shs msh mshxml ps1xml psc1 command terminal workflow')
/** Run when they are opened too, and part of many source trees: not looked for in archives. */
const SHELL = words('bat cmd ps1')
/** A source file when it stands alone, a trap behind the ending of a document. */
const BEHIND_A_COVER = words('js mjs vb py pyw pl sh desktop')
const COVERS = words('pdf doc docx xls xlsx ppt pptx odt ods odp rtf jpg jpeg png gif webp mp3 mp4 avi mov')

export function* nameFindings(given: string, place: 'upload' | 'archive'): Generator<Finding> {
  // U+202D and U+202E alone: the other marks of direction are in honest names of Arabic and Hebrew files.
  if (/[\u202d\u202e]/.test(given)) {
    yield ['mismatch', 'its name holds characters that turn the writing round, so that it shows another ending']
  }
  const [last = '', before = ''] = plainName(given).split('.').slice(1).reverse()
  const covered = COVERS.has(before.trim())
  const ending = covered ? `.${before.trim()}.${last}` : `.${last}`
  const behind = covered ? ', behind that of a document' : ''
  if (PROGRAMS.has(last)) yield ['executable', `it has the name of a program (${ending})${behind}`]
  else if (SCRIPTS.has(last) || (SHELL.has(last) && (place === 'upload' || covered))) {
    yield ['script', `it has the name of a script that is run when it is opened (${ending})${behind}`]
  } else if (covered && BEHIND_A_COVER.has(last)) yield ['script', `it has the name of a script (${ending})${behind}`]
}

/** As Windows would save it: trailing dots, blanks and the name of a stream ("::$DATA") fall away. */
function plainName(given: string): string {
  const segment = given.replaceAll('\\', '/').split('/').at(-1) ?? ''
  return segment
    .normalize('NFKC')
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .replace(/:.*$/s, '')
    .replace(/[.\s]+$/, '')
    .toLowerCase()
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}
