import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError } from 'commander'
import { crashDrill, removeTraces } from './crash.ts'
import { table } from './report.ts'

/** `npm run drill:crash -- --kills 50 --sessions 200 --seed 7`. Exit code 0: passed, 1: failed, 130: interrupted. */
const program = new Command('drill:crash')
  .description('Kill the service at chosen moments, restart it, and judge what its clients got.')
  .option('--kills <n>', 'how often to kill it', whole, 50)
  .option('--sessions <n>', 'sessions that work meanwhile', whole, 200)
  .option('--seed <n>', 'deals the same drill again', whole, process.pid)
  .option('--keep', 'keep the folder with journal, log and ledger')
  .option('--json', 'print the report as JSON')
  .parse()
const { kills, sessions, seed, keep, json } = program.opts<{
  kills: number
  sessions: number
  seed: number
  keep?: boolean
  json?: boolean
}>()

// service-process.ts D2: leaving is enough, the service goes with us.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => process.exit(code))
}

const service = fileURLToPath(new URL('../../infra/soma-main.js', import.meta.url))
const report = await crashDrill({
  kills,
  sessions,
  seed,
  program: [service, 'serve'],
  progress: (line) => process.stderr.write(`${line}\n`),
})
if (report.passed && !keep) removeTraces(report)
process.stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : table(report))
process.exitCode = report.passed ? 0 : 1

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number is expected')
  return Number(text)
}
