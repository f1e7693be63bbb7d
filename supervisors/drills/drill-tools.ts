import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The tools of a drill, which keep a ledger of their own: one line made durable before the work and one after it. What
 * ran is then known from the tools themselves, whatever the service believes.
 *
 *   drill_once     not idempotent: its outcome is unknown after a crash, and it must never start again
 *   drill_checked  not idempotent, with a check: runs again only when the ledger says that it surely did not run
 *   drill_again    idempotent: may start as often as there are crashes
 */
export const drillTools = ['drill_once', 'drill_checked', 'drill_again'] as const
export type DrillTool = (typeof drillTools)[number]

/** Writes tool files and the policy that lets them run (I10: closed by default) into the drill's folder. */
export function layOutTools(
  folder: string,
  ledger: string,
): { readonly toolsDir: string; readonly policyFile: string } {
  const toolsDir = join(folder, 'tools')
  mkdirSync(toolsDir)
  writeFileSync(ledger, '')
  for (const name of drillTools) writeFileSync(join(toolsDir, `${name}.mjs`), sourceOf(name, ledger))
  const policyFile = join(folder, 'policy.yaml')
  writeFileSync(policyFile, `rules:\n  - effect: allow\n    tool: [${drillTools.join(', ')}]\n    reason: A drill.\n`)
  return { toolsDir, policyFile }
}

function sourceOf(name: DrillTool, ledger: string): string {
  const idempotent = name === 'drill_again'
  return `
import { open, readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'

const ledger = ${JSON.stringify(ledger)}
const file = await open(ledger, 'a')

async function mark(mark, key, callId) {
  const line = { mark, tool: '${name}', idempotent: ${idempotent}, callId, key, pid: process.pid }
  await file.appendFile(JSON.stringify(line) + '\\n')
  await file.datasync()
}

export default ({ z }) => ({
  name: '${name}',
  description: 'Works for a while and keeps a ledger.',
  schema: z.object({ key: z.string(), ms: z.number() }),
  idempotent: ${idempotent},
  timeoutMs: 30_000,
  reaches: ['files'],
  async run({ key, ms }, { callId, signal }) {
    await mark('start', key, callId)
    await pause(ms, undefined, { signal })
    await mark('done', key, callId)
    return 'ran ' + key
  },${name === 'drill_checked' ? check : ''}
})
`
}

const check = `
  async reconcile({ key }, { callId }) {
    const lines = (await readFile(ledger, 'utf8')).split('\\n').filter((line) => line.includes(JSON.stringify(callId)))
    if (lines.some((line) => line.includes('"done"'))) return { output: 'ran ' + key }
    return lines.length === 0 ? 'not-run' : 'unknown'
  },`
