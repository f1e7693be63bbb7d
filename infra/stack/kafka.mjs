// Kafka in KRaft mode, every broker a controller too. With three, each partition has three copies and a write waits for
// two, as in production; and a broker that dies is given up soon, because failover drills wait for it.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { clusterSeenAt } from './kafka-brokers.mjs'
import { kafkaJars } from './kafka-jars.mjs'
import { loopback } from './ports.mjs'
import { running } from './processes.mjs'
import { findPrograms, runToEnd } from './programs.mjs'
import { say } from './refusal.mjs'

export const startsWithinMs = 60_000
const inStepWithinMs = 60_000
// A broker hands its partitions over before it goes; without a quorum to hand them to, it would wait for minutes.
export const stops = { signal: 'SIGTERM', withinMs: 8_000 }

export async function programs(cache) {
  const { java } = findPrograms(['java'])
  return { java, jars: await kafkaJars(cache) }
}

export function records(stack, { java, jars }) {
  return brokerNames(stack).map((name, index) => {
    const home = join(stack.folder, name)
    const { client, controller } = stack.ports[name]
    return {
      name,
      kind: 'kafka',
      id: index + 1,
      port: client,
      ports: { client, controller },
      command: [java, ...heap, ...logging, '-cp', join(jars, '*'), 'kafka.Kafka', join(home, 'server.properties')],
      home,
    }
  })
}

const heap = ['-Xms64m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:+ExitOnOutOfMemoryError']
const logging = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  // Which broker was given up and when, and who became controller.
  '-Dorg.slf4j.simpleLogger.log.org.apache.kafka.controller.ReplicationControlManager=info',
  '-Dorg.slf4j.simpleLogger.log.org.apache.kafka.raft.QuorumState=info',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS',
  '-Dorg.slf4j.simpleLogger.showThreadName=false',
]

export const brokerNames = ({ brokers }) => Array.from({ length: brokers }, (_, index) => `kafka-${index + 1}`)

export async function prepare(record, stack, { java, jars }) {
  const properties = join(record.home, 'server.properties')
  mkdirSync(record.home, { recursive: true })
  writeFileSync(properties, propertiesOf(record, stack))
  if (existsSync(join(record.home, 'log', 'meta.properties'))) return
  const tool = [...heap, ...logging, '-cp', join(jars, '*'), 'kafka.tools.StorageTool']
  await runToEnd(java, [...tool, 'format', '--ignore-formatted', '-t', clusterId(stack.folder), '-c', properties])
}

/** One for all brokers of this folder, kept beside their data. */
function clusterId(folder) {
  const file = join(folder, 'kafka.cluster')
  if (!existsSync(file)) writeFileSync(file, randomBytes(16).toString('base64url').replace(/^-/, 'A'))
  return readFileSync(file, 'utf8')
}

function propertiesOf({ id, ports, home }, stack) {
  const voters = brokerNames(stack).map((name, index) => `${index + 1}@${loopback}:${stack.ports[name].controller}`)
  const copies = stack.brokers === 1 ? 1 : 3
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': id,
    'controller.quorum.voters': voters.join(','),
    listeners: `PLAINTEXT://${loopback}:${ports.client},CONTROLLER://${loopback}:${ports.controller}`,
    'advertised.listeners': `PLAINTEXT://${loopback}:${ports.client}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': join(home, 'log'),
    'auto.create.topics.enable': false,
    'default.replication.factor': copies,
    'min.insync.replicas': copies === 1 ? 1 : 2,
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': 12,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': copies === 1 ? 1 : 2,
    'transaction.state.log.num.partitions': 12,
    'group.initial.rebalance.delay.ms': 0,
    // A broker that is silent for so long loses its partitions to the others.
    'broker.session.timeout.ms': 2_000,
    'broker.heartbeat.interval.ms': 400,
    // And a controller its office.
    'controller.quorum.fetch.timeout.ms': 1_000,
    'controller.quorum.election.timeout.ms': 500,
    'controller.quorum.election.backoff.max.ms': 300,
    // Made for machines that do nothing else; three of them share this one.
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 2,
    'log.cleaner.dedupe.buffer.size': 32 << 20,
    'log.segment.bytes': 128 << 20,
    'log.index.size.max.bytes': 1 << 20,
  }
  return `${Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`
}

/** It takes requests and is not fenced. */
export async function answers(record) {
  return (await clusterSeenAt(record.port))?.brokers.includes(record.id) ?? false
}

/**
 * Waits until all brokers that run see each other, and every copy of theirs is in step: only then is a topic with three
 * copies made at once, and only then may the next broker be killed without a partition that takes no writes.
 */
export async function started(_record, stack) {
  const alive = stack.servers.filter((record) => record.kind === 'kafka' && running(record) !== undefined)
  const until = performance.now() + inStepWithinMs
  while (!(await Promise.all(alive.map((record) => isWhole(record, alive)))).every(Boolean)) {
    if (performance.now() > until) return say(`some copies are still catching up after ${inStepWithinMs / 1_000} s`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function isWhole({ port }, alive) {
  const cluster = await clusterSeenAt(port)
  return (
    alive.every(({ id }) => cluster?.brokers.includes(id)) &&
    cluster.partitions.every(({ replicas, inStep }) =>
      alive.every(({ id }) => !replicas.includes(id) || inStep.includes(id)),
    )
  )
}

export function variables(records) {
  return { KAFKA_BOOTSTRAP_SERVERS: records.map(({ port }) => `${loopback}:${port}`).join(',') }
}
