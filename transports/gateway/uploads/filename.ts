const MAX_LENGTH = 200

/** Control characters, and those that make a name look like another: `report\u202Efdp.exe` is shown as reportexe.pdf. */
const DECEPTIVE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu

/** A name to show and to save under: one path segment of at most 200 characters, its ending kept; undefined when none is left. */
export function shownFilename(given: string | undefined): string | undefined {
  const segment = (given ?? '').replaceAll('\\', '/').split('/').at(-1) ?? ''
  const clean = segment
    .normalize('NFC')
    .replace(DECEPTIVE, '')
    // "setup.exe::$DATA" is setup.exe to Windows.
    .replace(/:[^:]*:\$[a-z_]*$/i, '')
    .replace(/[<>:"|?*]/g, '_')
    .trim()
    .replace(/^\.+/, '')
    .replace(/[. ]+$/, '')
  if (clean === '') return undefined
  if (clean.length <= MAX_LENGTH) return clean
  const ending = /\.[^.]{1,16}$/.exec(clean)?.[0] ?? ''
  return `${[...clean.slice(0, MAX_LENGTH - ending.length - 1)].join('').replace(/[\ud800-\udbff]$/, '')}…${ending}`
}

/** RFC 6266: a plain name for old clients, and the whole one. */
export function dispositionOf(filename: string): string {
  const plain = filename.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  const whole = encodeURIComponent(filename).replace(
    /['()*]/g,
    (it) => `%${it.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${whole}`
}
