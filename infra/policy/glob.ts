/**
 * Whether the text is what the pattern says; `*` is any run of characters, `?` is one, all else is itself.
 * A library's globs would bring braces, classes, and a `*` that skips names with a leading dot: in a rule that denies,
 * each of those is a hole. A regular expression made of it takes minutes for `*a*a*a…` (measured: seven), so it is
 * walked: on a mismatch only the last `*` takes one character more, which is enough and never exponential.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  const glob = [...pattern]
  const chars = [...text]
  let g = 0
  let c = 0
  let star = -1
  let taken = 0
  while (c < chars.length) {
    if (glob[g] === '*') {
      star = g++
      taken = c
    } else if (g < glob.length && (glob[g] === '?' || glob[g] === chars[c])) {
      g++
      c++
    } else if (star >= 0) {
      g = star + 1
      c = ++taken
    } else {
      return false
    }
  }
  while (glob[g] === '*') g++
  return g === glob.length
}
