import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
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
    ...[prometheus, `--config.file=${join(home, 'prometheus.yml')}`, `--storage.tsdb.path=${join(home, 'data')}`],
    ...[`--web.listen-address=${loopback}:${port}`, '--log.level=warn'],
  ]
  return [{ name: 'prometheus', kind: 'prometheus', port, ports: { port }, command, home }]
}

export async function prepare({ home }, stack) {
  const file = stack.prometheusConfig ?? join(stack.checkout, 'infra', 'prometheus.yml')
  mkdirSync(home, { recursive: true })
  if (existsSync(file)) writeFileSync(join(home, 'prometheus.yml'), hereabouts(file, stack))
  else if (stack.prometheusConfig === undefined) writeFileSync(join(home, 'prometheus.yml'), 'scrape_configs: []\n')
  else throw new Refusal(`${file} (--prometheus-config) is not there`)
}

/**
 * A copy of the configuration for this machine: what compose.yaml calls by name is scraped where it is here, what is not
 * here is left out, and the rules are found from the copy.
 */
function hereabouts(file, stack) {
  const here = {
    'prometheus:9090': stack.ports.prometheus.port,
    'gateway-1:8010': 8_010, // of `soma up`
    'gateway-2:8010': 8_011,
    'opa:8181': stack.ports.opa?.port,
    'openfga:2112': stack.ports.openfga?.metrics,
  }
  const moved = (target) => {
    if (/^(localhost|\d+\.\d+\.\d+\.\d+):/.test(target)) return [target]
    return here[target] === undefined ? [] : [`${loopback}:${here[target]}`]
  }
  return readFileSync(file, 'utf8')
    .replaceAll(/targets: \[(.*?)\]/g, (_, list) => {
      const targets = [...list.matchAll(/[^\s,'"]+/g)].flatMap(([target]) => moved(target))
      return `targets: [${targets.map((target) => `'${target}'`).join(', ')}]`
    })
    .replaceAll(/^( {2}- )([\w.-]+\.ya?ml)$/gm, (_, dash, rules) => `${dash}${join(dirname(file), rules)}`)
}

export async function answers({ port }) {
  if (!(await accepts(port))) return false
  return fetch(`http://${loopback}:${port}/-/ready`).then(
    (response) => response.ok,
    () => false,
  )
}

export const variables = ([{ port }]) => ({ PROMETHEUS_URL: `http://${loopback}:${port}` })
