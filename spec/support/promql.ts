import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { packageRoot } from '../../infra/package-root.ts'

/** What the files of Prometheus say, for specs to compare with what there is. */
export interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
}

const read = (file: string) => readFileSync(path.join(packageRoot, file), 'utf8')

export function rules(): readonly Rule[] {
  const { groups } = parse(read('infra/alerts.yml')) as { groups: readonly { readonly rules: readonly Rule[] }[] }
  return groups.flatMap((group) => group.rules)
}

export interface ScrapeJob {
  readonly job_name: string
  readonly static_configs: readonly { readonly targets: readonly string[] }[]
}

export function scrapeConfig(): { readonly scrape_configs: readonly ScrapeJob[] } & Record<string, unknown> {
  return parse(read('infra/prometheus.yml'))
}

/** The queries of a document: each line of its `promql` blocks. */
export function documentedQueries(file: string): readonly string[] {
  return [...read(file).matchAll(/^```promql\n([\s\S]*?)^```$/gm)].flatMap(([, block]) =>
    (block as string).split('\n').filter((line) => line.trim() !== ''),
  )
}

const words = new Set([
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'and',
  'or',
  'unless',
  'bool',
  'offset',
])

/** Names of metrics in an expression: what is neither label, nor string, nor duration, nor function, nor operator. */
export function metricsIn(expr: string): readonly string[] {
  const bare = expr
    .replaceAll(/"[^"]*"|'[^']*'/g, '')
    .replaceAll(/\{[^}]*\}/g, ' ')
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ')
  return [...bare.matchAll(/(?<![\w:.])[a-zA-Z_:][\w:]*(?!\w*\s*\()/g)]
    .map(([name]) => name)
    .filter((name) => !words.has(name))
}
