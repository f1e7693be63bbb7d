/**
 * What an upload can be quarantined for (SOMA_UPLOAD_QUARANTINE; docs/UPLOADS.md).
 *   executable       a program: Windows, Linux, macOS, Java, Android, WebAssembly, an installer; or the name of one
 *   script           a file that starts with #! and is not named so, or bears the name of a script that is run when opened
 *   active           HTML, SVG, PDF that runs something when it is opened, or HTML under the name of something harmless
 *   mismatch         the content is one thing, and its name says another, or shows another than it is
 *   macro            an Office document with macros
 *   embedded-object  an Office document with an OLE or ActiveX object in it
 *   external-link    an Office document that fetches a part of itself from elsewhere when it is opened
 *   archive-bomb     an archive that unpacks to far more than it is, or that cannot be measured
 *   eicar            the test file of anti-virus programs
 */
export const quarantineRules = [
  ...(['executable', 'script', 'active', 'mismatch', 'macro', 'embedded-object', 'external-link'] as const),
  ...(['archive-bomb', 'eicar'] as const),
] as const
export type QuarantineRule = (typeof quarantineRules)[number]

/** `none` alone switches all of them off: an empty list is what an unset variable looks like. */
export function quarantineProblems(named: readonly string[]): { path: string; message: string }[] {
  const known: readonly string[] = quarantineRules
  if (named.length === 1 && named[0] === 'none') return []
  return named
    .filter((name) => !known.includes(name))
    .map((name) => ({
      path: 'SOMA_UPLOAD_QUARANTINE',
      message: `names "${name}", expected some of ${known.join(', ')}, or none`,
    }))
}
