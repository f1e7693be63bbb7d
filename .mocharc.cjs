// One process, one spec file after another: specs of the real servers and of crashes measure time, and two at once on
// two cores would measure each other.
const inCi = process.env.CI === 'true'

module.exports = {
  spec: ['dist/spec/**/*.spec.js'],
  'node-option': ['enable-source-maps'],
  timeout: 20_000,
  slow: 2_000,
  forbidOnly: inCi,
  reporter: 'infra/ci-reporter.cjs',
  // Every spec closes what it opens; a leak must fail as a spec of its own, not hang the run for ever.
  exit: true,
}
