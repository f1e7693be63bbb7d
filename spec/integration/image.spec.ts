import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { builtinModules } from 'node:module'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { packageRoot } from '../../infra/package-root.ts'
import { freePort, ServiceProcess } from '../../supervisors/drills/service-process.ts'
import { ScratchFolder } from '../support/scratch-folder.ts'

const dockerfile = readFileSync(path.join(packageRoot, 'infra/Dockerfile'), 'utf8')

/** `COPY --from=build /build/a /build/b ./to/` as pairs. */
function copies(): readonly { readonly from: string; readonly to: string }[] {
  return [...dockerfile.matchAll(/^COPY --from=build (.+)$/gm)].flatMap(([, words]) => {
    const paths = (words as string).split(' ')
    const to = paths.pop() as string
    return paths.map((it) => {
      const from = it.replace('/build/', '')
      return { from, to: to.endsWith('/') ? path.join(to, path.basename(from)) : to }
    })
  })
}

describe('the image, laid out in a folder', () => {
  const folder = new ScratchFolder()
  let service: ServiceProcess | undefined
  const app = path.join(folder.path, 'app')

  before(() => {
    for (const { from, to } of copies()) {
      const target = path.join(app, to)
      mkdirSync(path.dirname(target), { recursive: true })
      if (from === 'node_modules') symlinkSync(path.join(packageRoot, from), target)
      else cpSync(path.join(packageRoot, from), target, { recursive: true, filter: (it) => !it.endsWith('/dist/spec') })
    }
  })
  after(async () => {
    await service?.release()
    folder.remove()
  })

  it('starts, answers its own health check, and stops on SIGTERM', async function () {
    this.timeout(60_000)
    const port = await freePort()
    service = new ServiceProcess({
      program: [path.join(app, 'infra/soma.mjs'), 'serve'],
      port,
      env: { SOMA_DATA_DIR: path.join(folder.path, 'data'), SOMA_MODEL: 'rehearsal/echo', NODE_ENV: 'production' },
      log: path.join(folder.path, 'log'),
    })
    service.start()
    await service.ready()
    const [, words] = /^HEALTHCHECK [^\n]*\\\n\s+CMD (\[.*\])$/m.exec(dockerfile) ?? []
    const [node, ...check] = JSON.parse(words as string) as string[]
    expect(node).to.equal('node')
    const healthy = (SOMA_PORT: number) =>
      promisify(execFile)(process.execPath, check, { env: { SOMA_PORT: String(SOMA_PORT) } }).then(
        () => true,
        () => false,
      )
    expect(await healthy(port)).to.equal(true)
    expect(await healthy(await freePort())).to.equal(false)
    expect(await service.stop()).to.equal(0)
  })

  it('needs no package that is installed for development only', () => {
    const { dependencies, optionalDependencies } = JSON.parse(
      readFileSync(path.join(packageRoot, 'package.json'), 'utf8'),
    ) as Record<'dependencies' | 'optionalDependencies', Record<string, string>>
    const rooms = ['actors', 'supervisors', 'transports', 'persistence', 'infra']
    const files = rooms.flatMap((room) =>
      readdirSync(path.join(packageRoot, room), { recursive: true, encoding: 'utf8' })
        // The console's packages are in what Vite made of it.
        .filter((file) => file.endsWith('.ts') && !path.join(room, file).startsWith('transports/gateway/console/'))
        .map((file) => path.join(packageRoot, room, file)),
    )
    const wanted = files.flatMap((file) =>
      [
        ...readFileSync(file, 'utf8').matchAll(
          /^import (?!type)[^'"]*['"]([^.'"][^'"]*)['"]|import\('([^.'][^']*)'\)/gm,
        ),
      ]
        .map(([, named, dynamic]) => (named ?? dynamic) as string)
        .filter((name) => !name.startsWith('node:') && !builtinModules.includes(name)),
    )
    const packages = new Set(
      wanted.map((name) =>
        name
          .split('/')
          .slice(0, name.startsWith('@') ? 2 : 1)
          .join('/'),
      ),
    )
    const installed = { ...dependencies, ...optionalDependencies }
    expect([...packages].filter((name) => !(name in installed))).to.deep.equal([])
    expect(packages.size).to.be.greaterThan(10)
  })
})
