import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { failures } from '../actors/kernel/failure.ts'
import { configurationTable } from './config/config-variables.ts'
import { personaTable } from './persona-table.ts'
import { dependencyRows } from './probes/dependency-table.ts'
import { Metrics } from './telemetry/metrics.ts'

/**
 * The tables of the docs that are made from code: `npm run docs` writes them, spec/house-rules.spec.ts compares them.
 * A table stands between `<!-- table: name -->` and `<!-- end -->`; the words around it are written by hand.
 */
export const tables: readonly { readonly file: string; readonly name: string; readonly make: () => string }[] = [
  { file: 'docs/CONFIGURATION.md', name: 'variables', make: configurationTable },
  { file: 'docs/METRICS.md', name: 'metrics', make: metricsTable },
  { file: 'docs/ERRORS.md', name: 'errors', make: errorsTable },
  { file: 'docs/RUNBOOK.md', name: 'dependencies', make: dependencyRows },
  { file: 'docs/PERSONAS.md', name: 'persona', make: personaTable },
]

/** The document with its table as the code has it now. */
export function withTable(document: string, name: string, table: string): string {
  const start = `<!-- table: ${name} -->`
  const from = document.indexOf(start)
  const to = document.indexOf('<!-- end -->', from)
  if (from < 0 || to < 0) throw new Error(`the document has no ${start} … <!-- end -->`)
  return `${document.slice(0, from)}${start}\n${table}\n${document.slice(to)}`
}

export function writeTables(root: string): void {
  for (const { file, name, make } of tables) {
    const full = path.join(root, file)
    writeFileSync(full, withTable(readFileSync(full, 'utf8'), name, make()))
  }
}

function errorsTable(): string {
  const rows = Object.entries(failures).map(
    ([code, { status, disposition, title, remedy }]) =>
      `| \`${code}\` | ${status} | ${disposition} | ${title} | ${remedy} |`,
  )
  return ['| code | HTTP | disposition | meaning | remedy |', '|---|---|---|---|---|', ...rows].join('\n')
}

/** What prom-client keeps of a metric and does not declare. */
interface Declared {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  readonly constructor: { readonly name: string }
}

function metricsTable(): string {
  const registered = new Metrics().registry.getMetricsAsArray() as unknown as readonly Declared[]
  const rows = registered
    .filter(({ name }) => !/^(process|nodejs)_/.test(name))
    .map((metric) => {
      const labels = metric.labelNames.map((label) => `\`${label}\``).join(', ')
      return `| \`${metric.name}\` | ${metric.constructor.name.toLowerCase()} | ${labels} | ${metric.help} |`
    })
  return ['| metric | type | labels | meaning |', '|---|---|---|---|', ...rows].join('\n')
}
