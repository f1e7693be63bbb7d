import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import type { BenchRow } from './bench-row.ts'
import { benches } from './benches.ts'
import { table } from './table.ts'

/** `npm run bench -- turns boot --json figures.json`. Exit code 1 when a bench failed. */
const program = new Command('bench')
  .description('Measure the service on this machine; one table.')
  .argument('[names...]', `which of ${benches.map(({ name }) => name).join(', ')}; all by default`)
  .option('--json <path>', 'write the rows there as JSON too')
  .parse()
const names = program.args
const unknown = names.filter((name) => !benches.some((bench) => bench.name === name))
if (unknown.length > 0) program.error(`there is no bench ${unknown.join(', ')}`)

const rows: BenchRow[] = []
const selected = benches.filter(({ name }) => names.length === 0 || names.includes(name))
for (const { name } of selected) {
  const from = performance.now()
  const answer = await inItsOwnProcess(name)
  process.stderr.write(`${name}: ${((performance.now() - from) / 1_000).toFixed(1)} s\n`)
  if (Array.isArray(answer)) rows.push(...answer)
  else {
    process.exitCode = 1
    rows.push({ what: name, value: 'FAILED', note: answer })
  }
}
// Figures of a machine that does something else as well say little: the load is part of them.
const machine = `Node ${process.versions.node}, ${cpus().length} CPUs, load ${loadavg()
  .map((load) => load.toFixed(1))
  .join(' ')}`
process.stdout.write(`${machine}\n\n${table(rows)}`)
const { json } = program.opts<{ json?: string }>()
if (json !== undefined) writeFileSync(json, `${JSON.stringify({ machine, rows }, undefined, 2)}\n`)

async function inItsOwnProcess(name: string): Promise<BenchRow[] | string> {
  const child = fork(fileURLToPath(new URL('./bench-process.js', import.meta.url)), [name], {
    execArgv: ['--expose-gc'],
    // Its standard output is not the table's.
    stdio: ['ignore', 2, 2, 'ipc'],
  })
  let answer: BenchRow[] | string | undefined
  child.on('message', (message) => {
    answer = message as BenchRow[] | string
  })
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  return answer ?? `it ended without an answer (${signal ?? `exit ${code}`})`
}
