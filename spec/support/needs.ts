/**
 * `describe` for specs that need something from outside, named by an environment variable: skipped loudly without it,
 * and in CI failed, so that nothing goes untested by accident.
 */
export function describeNeeding(variable: string, how: string, title: string, body: (value: string) => void): void {
  const value = process.env[variable]
  if (value !== undefined && value !== '') {
    describe(title, () => body(value))
  } else if (process.env.CI) {
    describe(title, () => {
      it(`has ${variable}`, () => {
        throw new Error(`${variable} is not set: ${how}`)
      })
    })
  } else {
    describe.skip(`${title} — SKIPPED, ${variable} is not set (${how})`, () => {
      it(`needs ${variable}`, () => {})
    })
  }
}
