// Programs that come as Go modules: built once, kept in the cache.
import { chmodSync, cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { cached } from './cached.mjs'
import { plainEnvironment } from './processes.mjs'
import { findPrograms, runToEnd } from './programs.mjs'
import { say } from './refusal.mjs'

const built = {
  opa: { module: 'github.com/open-policy-agent/opa', version: 'v1.22.2', takes: 'a minute or two' },
  openfga: { module: 'github.com/openfga/openfga/cmd/openfga', version: 'v1.22.1', takes: 'three minutes or more' },
}
/** What those modules ask for; an older Go on the machine fetches this one. */
const goVersion = [1, 26]
const toolchain = 'go1.26.8'

/** Path of the program, built if the cache lacks it. */
export function goProgram(name, cache) {
  const { module, version, takes } = built[name]
  return cached(join(cache, 'bin', `${name}-${version}`), async (workshop) => {
    const go = await goAt(cache)
    say(`building ${name} ${version}, which takes ${takes}, once`)
    const ours = { GOBIN: workshop, GOTOOLCHAIN: 'local', CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' }
    const env = { ...environment(), ...ours, GOROOT: undefined } // each Go knows its own
    await runToEnd(go, ['install', '-trimpath', '-ldflags', '-s -w', `${module}@${version}`], { env, cwd: workshop })
    return join(workshop, name)
  })
}

/** A Go that is new enough: the machine's, else a newer one from where Go gets its modules (toolchains are modules). */
async function goAt(cache) {
  const { go } = findPrograms(['go'])
  const said = await runToEnd(go, ['version'], { env: environment() })
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(said) ?? [undefined, '0', '0']
  if (Number(major) > goVersion[0] || (Number(major) === goVersion[0] && Number(minor) >= goVersion[1])) return go
  const home = await cached(join(cache, toolchain), async (workshop) => {
    say(`fetching ${toolchain}, because Go ${major}.${minor} is too old`)
    const wanted = `golang.org/toolchain@v0.0.1-${toolchain}.${process.platform}-${goArchitecture()}`
    // Go before 1.21 does not know toolchains, but it knows modules.
    const { Dir: from } = JSON.parse(
      await runToEnd(go, ['mod', 'download', '-json', wanted], { env: environment(), cwd: workshop }),
    )
    const there = join(workshop, 'go')
    cpSync(from, there, { recursive: true })
    makeUsable(there)
    return there
  })
  return join(home, 'bin', 'go')
}

/** A module's files come without the right to be run, and its folders without the right to be moved or deleted. */
function makeUsable(home) {
  chmodSync(home, 0o755)
  for (const entry of readdirSync(home, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name)
    if (entry.isDirectory() || /\/(bin|pkg\/tool)\//.test(path.slice(home.length))) chmodSync(path, 0o755)
  }
}

const goArchitecture = () => ({ x64: 'amd64', ia32: '386' })[process.arch] ?? process.arch

/** With the caller's own settings of where modules come from. */
function environment() {
  const own = Object.entries(process.env).filter(([name]) => /^(GO|https?_proxy$|no_proxy$)/i.test(name))
  return { ...plainEnvironment(), ...Object.fromEntries(own) }
}
