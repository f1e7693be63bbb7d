import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import { failures } from '../actors/kernel/failure.ts'
import { variableNames } from '../infra/config/config-variables.ts'
import { tables, withTable } from '../infra/docs-tables.ts'
import { packageRoot } from '../infra/package-root.ts'
import { Metrics } from '../infra/telemetry/metrics.ts'

const rooms = ['actors', 'supervisors', 'transports', 'persistence', 'infra', 'spec'] as const
const read = (file: string) => readFileSync(path.join(packageRoot, file), 'utf8')

const sources = rooms
  .flatMap((room) =>
    readdirSync(path.join(packageRoot, room), { recursive: true, encoding: 'utf8' }).map((file) => `${room}/${file}`),
  )
  .map((file) => file.replaceAll('\\', '/'))
const typescript = sources.filter((file) => /\.tsx?$/.test(file))
const ours = sources.filter((file) => /\.(tsx?|mjs|cjs|js|css)$/.test(file))

interface Import {
  readonly from: string
  readonly to: string
  readonly typeOnly: boolean
}

/** Imports of our own files, as paths from the root. */
function importsOf(file: string): Import[] {
  const statements = read(file).matchAll(
    /^(?:import|export)\s+(type\s)?(?:[^'"]*?from\s+)?['"](\.{1,2}\/[^'"]+)['"]|import\(\s*['"](\.{1,2}\/[^'"]+)['"]\s*\)/gm,
  )
  return [...statements].map(([, typeOnly, from, dynamic]) => ({
    from: file,
    to: path.posix.join(path.posix.dirname(file), (from ?? dynamic) as string),
    typeOnly: typeOnly !== undefined,
  }))
}

/**
 * Contract files: what a part asks of others, without saying how. A source that only declares types, and the few values
 * that belong to a contract (schemas, the failure catalogue, ids).
 */
const isContract = (file: string) =>
  [
    /^actors\/kernel\//,
    /^actors\/[a-z-]+\/protocol\.ts$/,
    /^actors\/persona\.ts$/,
    /^actors\/tool\/tool\.ts$/,
    /^actors\/memory\/(memory|limits|coordinate|index\/memory-index)\.ts$/,
    /^persistence\/(journal|snapshots|epochs|sql|mailbox-rows|log-offsets|membership|drill-reports|timers|attachments|memory-rows|tool-switches|requeued-calls)\.ts$/,
    /^transports\/(mailbox|outbound)\.ts$/,
    /^transports\/model\/client\.ts$/,
    /^transports\/gateway\/(session-reader|dry-runs|audit-trail)\.ts$/,
  ].some((pattern) => pattern.test(file))

/** Who may import what beyond its own room. Types of any file cost nothing at run time, but tie just the same. */
const layers: Readonly<Record<string, (to: string) => boolean>> = {
  actors: isContract,
  supervisors: (to) => to.startsWith('actors/') || isContract(to),
  transports: isContract,
  persistence: isContract,
  infra: (to) => !to.startsWith('spec/'),
  spec: () => true,
}

/** Two halves of one thing: a failure ends a life, and the end of a life may begin the next. */
const oneThing = new Set(['supervisors/lifecycle.ts -> supervisors/supervise.ts -> supervisors/lifecycle.ts'])

const roomOf = (file: string) => file.slice(0, file.indexOf('/'))

describe('house rules', () => {
  it('imports follow the layers: contracts inwards, implementations only from infra', () => {
    const broken = typescript.flatMap(importsOf).filter(({ from, to }) => {
      // A program of its own (a drill) wires as infra does.
      const room = from.startsWith('supervisors/drills/') ? 'infra' : roomOf(from)
      return roomOf(to) !== room && !layers[room]?.(to)
    })
    expect(broken.map(({ from, to }) => `${from} -> ${to}`)).to.deep.equal([])
  })

  it('no import goes in a circle at run time', () => {
    const edges = new Map(
      typescript.map((file) => [
        file,
        importsOf(file)
          .filter(({ typeOnly }) => !typeOnly)
          .map(({ to }) => to),
      ]),
    )
    const circles: string[] = []
    const done = new Set<string>()
    const visit = (file: string, trail: readonly string[]) => {
      if (trail.includes(file)) circles.push([...trail.slice(trail.indexOf(file)), file].join(' -> '))
      else if (!done.has(file)) {
        for (const next of edges.get(file) ?? []) visit(next, [...trail, file])
        done.add(file)
      }
    }
    for (const file of typescript) visit(file, [])
    expect(circles.filter((circle) => !oneThing.has(circle))).to.deep.equal([])
  })

  it('time, chance and identity are drawn in infra alone; elsewhere they are injected', () => {
    const drawn = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\brandomUUID\b|\bcrypto\.getRandomValues\b/
    const pageClock = 'transports/gateway/console/browser.ts'
    const broken = typescript.filter(
      (file) => !/^(infra|spec)\//.test(file) && file !== pageClock && drawn.test(withoutComments(read(file))),
    )
    expect(broken).to.deep.equal([])
  })

  it('no file is longer than 300 lines, but for the one table of failures', () => {
    const long = ours
      .map((file) => ({ file, lines: read(file).trimEnd().split('\n').length }))
      .filter(({ file, lines }) => lines > 300 && file !== 'actors/kernel/failure.ts')
    expect(long).to.deep.equal([])
  })

  it('no file is named for being a drawer', () => {
    const drawers = /(^|[-/])(utils?|helpers?|common|misc|manager|shared|lib|impl|base)([-./]|$)/i
    expect(sources.filter((file) => drawers.test(file))).to.deep.equal([])
  })

  it('no check of the compiler is switched off', () => {
    const off = /@ts-ignore|@ts-nocheck|biome-ignore-all/
    expect(typescript.filter((file) => off.test(read(file)) && file !== 'spec/house-rules.spec.ts')).to.deep.equal([])
  })

  it('specs wait for conditions, not for time', () => {
    const sleeping = /setTimeout\(\s*(resolve|done|r)\b|from 'node:timers\/promises'/
    const allowed = /import \{ setImmediate \} from 'node:timers\/promises'/
    const broken = typescript.filter((file) => {
      const text = read(file)
      return (
        /^spec\/(?!bench\/)/.test(file) &&
        sleeping.test(text) &&
        !allowed.test(text) &&
        file !== 'spec/house-rules.spec.ts'
      )
    })
    expect(broken).to.deep.equal([])
  })

  it('source lives in the six rooms and nowhere else', () => {
    const outside = readdirSync(packageRoot, { withFileTypes: true })
      .filter(
        (entry) =>
          entry.isDirectory() && !entry.name.startsWith('.') && !/^(node_modules|docs|dist.*)$/.test(entry.name),
      )
      .map((entry) => entry.name)
    expect(outside.sort()).to.deep.equal([...rooms].sort())
  })
})

describe('docs', () => {
  for (const { file, name, make } of tables) {
    it(`${file} has the table that the code makes (npm run docs writes it)`, () => {
      const document = read(file)
      expect(withTable(document, name, make())).to.equal(document)
    })
  }

  it('name no failure, variable or metric that does not exist', () => {
    const metrics = new Metrics().registry.getMetricsAsArray().map(({ name }) => name)
    const known = new Set<string>([...Object.keys(failures), ...variableNames, ...metrics])
    const families = [/^BUDGET_LIMIT_/, /^SOMA_(TEST|STACK)_/, /_(sum|count|bucket)$/]
    const unknown = documents().flatMap((file) =>
      [
        ...read(file).matchAll(
          /`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|(?:soma|gateway|conversation_worker|tool_executor|session_envelope|outbox|durable)_[a-z_]+)(?:[{=][^`]*)?`/g,
        ),
      ]
        .map(([, name]) => name as string)
        .filter((name) => !known.has(name) && !families.some((family) => family.test(name)) && !names.has(name))
        .map((name) => `${file}: ${name}`),
    )
    expect(unknown).to.deep.equal([])
  })

  it('point only to files that are there', () => {
    const broken = documents().flatMap((file) => {
      const text = read(file)
      const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, to]) =>
        path.posix.join(path.posix.dirname(file), to as string),
      )
      const mentioned = [
        ...text.matchAll(/`((?:actors|supervisors|transports|persistence|infra|spec|docs)\/[\w./-]+\.\w+)`/g),
      ].map(([, to]) => to as string)
      return [...links, ...mentioned].filter((to) => !exists(to)).map((to) => `${file}: ${to}`)
    })
    expect(broken).to.deep.equal([])
  })
})

/** In capitals, and no code of ours: words of protocols and of other programs. */
const names = new Set([
  ...['SOMA_ESCALATION_', 'NO_COLOR', 'SIGTERM', 'SIGINT', 'SIGKILL'],
  ...['OTEL_EXPORTER_OTLP_HEADERS', 'KAFKA_COPIES_IN_SYNC'],
])

function documents(): string[] {
  const docs = readdirSync(path.join(packageRoot, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file.replaceAll('\\', '/')}`)
  return ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...docs]
}

function exists(file: string): boolean {
  try {
    return readdirSync(path.join(packageRoot, path.dirname(file))).includes(path.basename(file)) || file.endsWith('/')
  } catch {
    return false
  }
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1')
}
