import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { goProgram } from './go-programs.mjs'
import { accepts, loopback } from './ports.mjs'

export const startsWithinMs = 20_000
export const stops = { signal: 'SIGTERM', withinMs: 5_000 }

export const programs = async (cache) => ({ opa: await goProgram('opa', cache) })

/** With our policy, followed as it is edited; without it every decision is undefined. */
export function records(stack, { opa }) {
  const { port } = stack.ports.opa
  const policy = join(stack.checkout, 'infra', 'policy', 'opa', 'soma.rego')
  const rules = existsSync(policy) ? ['--watch', policy] : []
  const command = [opa, 'run', '--server', '--addr', `${loopback}:${port}`, '--log-level', 'error', ...rules]
  return [{ name: 'opa', kind: 'opa', port, ports: { port }, command, home: join(stack.folder, 'opa') }]
}

export async function prepare({ home }) {
  mkdirSync(home, { recursive: true })
}

export async function answers({ port }) {
  if (!(await accepts(port))) return false
  return fetch(`http://${loopback}:${port}/health`).then(
    (response) => response.ok,
    () => false,
  )
}

export const variables = ([{ port }]) => ({ OPA_URL: `http://${loopback}:${port}` })
