import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { packageRoot } from '../../infra/package-root.ts'

const run = promisify(execFile)

/** A checkout of two files with this project's compiler: what infra/build.mjs does to ours, in a second. */
describe('build', () => {
  let root: string
  const inRoot = (...parts: string[]) => path.join(root, ...parts)
  const build = (...args: string[]) => run(process.execPath, [inRoot('infra', 'build.mjs'), ...args], { cwd: root })

  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'soma-build-'))
    await mkdir(inRoot('infra'))
    await mkdir(inRoot('spec'))
    await cp(path.join(packageRoot, 'infra', 'build.mjs'), inRoot('infra', 'build.mjs'))
    for (const file of ['package.json', 'package-lock.json']) await cp(path.join(packageRoot, file), inRoot(file))
    const compilerOptions = { module: 'nodenext', rootDir: '.', strict: true, types: [], skipLibCheck: true }
    await writeFile(inRoot('tsconfig.json'), JSON.stringify({ compilerOptions, include: ['infra', 'spec'] }))
    await symlink(path.join(packageRoot, 'node_modules'), inRoot('node_modules'))
    await writeFile(inRoot('infra', 'one.ts'), 'export const one: number = 1\n')
    await writeFile(inRoot('infra', 'two.ts'), 'export const two: number = 2\n')
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  it('builds what is missing, and only looks when nothing changed (B1)', async () => {
    expect((await build()).stderr).to.include('built in')
    expect((await build()).stderr).to.equal('')
    expect(await readdir(inRoot('dist', 'infra'))).to.include.members(['one.js', 'two.js'])
  })

  it('sees a changed file, a new one and a deleted one, whose output goes (B2)', async () => {
    await build()
    await writeFile(inRoot('infra', 'one.ts'), 'export const one: number = 111\n')
    await rm(inRoot('infra', 'two.ts'))
    await writeFile(inRoot('infra', 'three.ts'), 'export const three: number = 3\n')
    await build()
    const built = (await readdir(inRoot('dist', 'infra'))).filter((name) => name.endsWith('.js'))
    expect(built.sort()).to.deep.equal(['one.js', 'three.js'])
    expect(await readFile(inRoot('dist', 'infra', 'one.js'), 'utf8')).to.include('111')
  })

  it('fails on a type error, shows it, and leaves the last good build alone', async () => {
    await build()
    await writeFile(inRoot('infra', 'one.ts'), "export const one: number = 'one'\n")
    const failed = await build().then(
      () => undefined,
      (error: { code: number; stderr: string }) => error,
    )
    expect(failed?.code).to.equal(1)
    expect(failed?.stderr).to.include('TS2322').and.include('do not compile')
    expect(await readFile(inRoot('dist', 'infra', 'one.js'), 'utf8')).to.include('1')
  })

  it('is stale when a file was saved while it was being built (B3)', async () => {
    const building = build()
    building.child.stderr?.once('data', () =>
      writeFileSync(inRoot('infra', 'one.ts'), 'export const one: number = 7\n'),
    )
    await building
    expect((await build()).stderr).to.include('built in')
    expect(await readFile(inRoot('dist', 'infra', 'one.js'), 'utf8')).to.include('7')
  })

  it('is one build when two start at once (B4)', async () => {
    const said = (await Promise.all([build(), build()])).map(({ stderr }) => stderr)
    expect(said.filter((text) => text.includes('built in'))).to.have.length(1)
    expect(await readdir(inRoot('dist', 'infra'))).to.include('one.js')
  })

  it('goes on past the lock that a killed build left (B4)', async () => {
    await mkdir(inRoot('dist-lock'))
    const longAgo = new Date(Date.parse('2020-01-01T00:00:00Z'))
    await utimes(inRoot('dist-lock'), longAgo, longAgo)
    expect((await build()).stderr).to.include('built in')
  })

  it('says what to do when npm cannot install', async () => {
    await rm(inRoot('node_modules'))
    const lock = {
      name: 'x',
      lockfileVersion: 3,
      packages: { '': { name: 'x' }, 'node_modules/none': { version: '1.0.0' } },
    }
    await writeFile(inRoot('package-lock.json'), JSON.stringify(lock))
    await writeFile(inRoot('package.json'), JSON.stringify({ name: 'x', dependencies: { none: '9.9.9' } }))
    const failed = await build().then(
      () => undefined,
      (error: { stderr: string }) => error,
    )
    expect(failed?.stderr).to.include('npm ci failed').and.include('npm install')
  })
})
