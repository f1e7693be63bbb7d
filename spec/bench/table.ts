import type { BenchRow } from './bench-row.ts'

const columns = ['what', 'value', 'goal', 'note'] as const

export function table(rows: readonly BenchRow[]): string {
  const head = Object.fromEntries(columns.map((column) => [column, column])) as unknown as BenchRow
  const rule = Object.fromEntries(columns.map((column) => [column, '-'.repeat(column.length)])) as unknown as BenchRow
  const lines = [head, rule, ...rows]
  const widths = columns.map((column) => Math.max(...lines.map((row) => (row[column] ?? '').length)))
  const cells = (row: BenchRow) => columns.map((column, i) => (row[column] ?? '').padEnd(widths[i] ?? 0))
  return lines.map((row) => `${cells(row).join('  ').trimEnd()}\n`).join('')
}
