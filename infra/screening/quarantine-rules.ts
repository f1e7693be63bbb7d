/**
 * What an upload can be quarantined for (SOMA_UPLOAD_QUARANTINE; docs/UPLOADS.md).
 *   executable    a program: Windows, Linux, macOS, Java, Android, WebAssembly, an installer
 *   script        a file that starts with #!, or bears the name of a script that a shell runs
 *   active        HTML, SVG or other markup that a browser would run, under the name or type of something harmless
 *   mismatch      the content is one thing, and its name says another
 *   macro         an Office document with macros
 *   archive-bomb  an archive that unpacks to far more than it is, or that cannot be measured
 *   eicar         the test file of anti-virus programs
 */
export const quarantineRules = ['executable', 'script', 'active', 'mismatch', 'macro', 'archive-bomb', 'eicar'] as const
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
