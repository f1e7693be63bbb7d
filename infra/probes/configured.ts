import { rangesOf } from '../../persistence/spread/shard-map.ts'
import type { Config } from '../config/config.ts'
import type { DependencyName } from './dependency-table.ts'
import type { Probe } from './probe.ts'

/**
 * The probes that a configuration asks for. Each is loaded only where it is used: a start without servers has nothing to
 * look at, and pays nothing for the clients of those it does not have.
 */
export async function probesOf(config: Config): Promise<Probe[]> {
  const { persistence, cluster, services, memory } = config
  const needs = (name: DependencyName) => services.required.includes(name)
  const probes: (Probe | Promise<Probe>)[] = []
  const { postgresDsn, redisUrl, journals = [] } = persistence
  if (postgresDsn !== undefined) probes.push(import('./postgres.ts').then((it) => it.postgresProbe(postgresDsn)))
  for (const { dsn, shards } of journals.filter((it) => it.dsn !== postgresDsn)) {
    const about = { variable: 'SOMA_JOURNALS', name: `postgres ${rangesOf(shards)}` }
    probes.push(import('./postgres.ts').then((it) => it.postgresProbe(dsn, about)))
  }
  if (cluster) probes.push(import('./kafka.ts').then((it) => it.kafkaProbe(cluster.kafka)))
  if (redisUrl !== undefined) probes.push(import('./redis.ts').then((it) => it.redisProbe(redisUrl, needs('redis'))))
  const { opa, openFga, brain } = services
  if (opa) probes.push(import('./opa.ts').then((it) => it.opaProbe(opa, needs('opa'))))
  if (openFga) probes.push(import('./openfga.ts').then((it) => it.openFgaProbe(openFga, needs('openfga'))))
  if (brain) probes.push(import('./somabrain.ts').then((it) => it.somaBrainProbe(brain, needs('somabrain'))))
  const { embedding } = memory
  if (embedding.kind === 'endpoint')
    probes.push(import('./embedding.ts').then((it) => it.embeddingProbe(embedding, needs('embedding'))))
  return Promise.all(probes)
}
