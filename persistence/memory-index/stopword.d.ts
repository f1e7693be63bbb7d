/** The package has no types of its own. */
declare module 'stopword' {
  /** Function words of English. */
  export const eng: readonly string[]
}
