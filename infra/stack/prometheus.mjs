import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accepts, loopback } from './ports.mjs'
import { findPrograms } from './programs.mjs'
import { Refusal } from './refusal.mjs'

export const startsWithinMs = 20_000
export const stops = { signal: 'SIGTERM', withinMs: 8_000 }

export const programs = async () => findPrograms(['prometheus'])

export function records(stack, { prometheus }) {
  const home = join(stack.folder, 'prometheus')
  const { port } = stack.ports.prometheus
  const command = [
    ...[prometheus, `--config.file=${configOf(stack, home)}`, `--storage.tsdb.path=${join(home, 'data')}`],
    ...[`--web.listen-address=${loopback}:${port}`, '--log.level=warn'],
  ]
  return [{ name: 'prometheus', kind: 'prometheus', port, ports: { port }, command, home }]
}

function configOf({ checkout, prometheusConfig }, home) {
  if (prometheusConfig !== undefined) {
    if (existsSync(prometheusConfig)) return prometheusConfig
    throw new Refusal(`${prometheusConfig} (--prometheus-config) is not there`)
  }
  const ours = join(checkout, 'infra', 'prometheus.yml')
  return existsSync(ours) ? ours : join(home, 'prometheus.yml')
}

export async function prepare({ home, command }) {
  mkdirSync(home, { recursive: true })
  const bare = join(home, 'prometheus.yml')
  if (command.includes(`--config.file=${bare}`)) writeFileSync(bare, 'global: { scrape_interval: 5s }\n')
}

export async function answers({ port }) {
  if (!(await accepts(port))) return false
  return fetch(`http://${loopback}:${port}/-/ready`).then(
    (response) => response.ok,
    () => false,
  )
}

export const variables = ([{ port }]) => ({ PROMETHEUS_URL: `http://${loopback}:${port}` })
