import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { kinds, kindsOf } from './kinds.mjs'
import { needFree } from './ports.mjs'
import { comesUp, launch, running } from './processes.mjs'
import { Refusal } from './refusal.mjs'
import { writeState } from './state.mjs'

/** Fetches and builds what the cache lacks, and finds the programs; says all that is missing at once. */
export async function findAll(stack) {
  const names = kindsOf(stack)
  const found = await allOrEveryReason(names.map((kind) => kinds[kind].programs(stack.cache)))
  return Object.fromEntries(names.map((kind, index) => [kind, found[index]]))
}

/** Starts what does not run; what runs is left alone. Resolves with the names of what it started. */
export async function bringUp(stack) {
  const before = stack.servers
  await needPorts(stack, before) // before anything is fetched, which may take minutes
  const found = await findAll(stack)
  mkdirSync(join(stack.folder, 'logs'), { recursive: true })
  const names = kindsOf(stack)
  const records = names
    .flatMap((kind) => kinds[kind].records(stack, found[kind]))
    .map((record) => withPast(stack, record, before))
  const starting = records.filter((record) => running(record) === undefined)
  stack.servers = records
  const coming = new Map()
  for (const kind of names) {
    coming.set(
      kind,
      Promise.all((kinds[kind].after ?? []).map((other) => coming.get(other))).then(() => bringKind(kind)),
    )
  }
  await allOrEveryReason([...coming.values()])
  stack.variables = Object.assign({}, ...names.map((kind) => kinds[kind].variables(ofKind(kind), stack)))
  writeState(stack)
  return starting.map(({ name }) => name)

  function ofKind(kind) {
    return records.filter((record) => record.kind === kind)
  }

  async function bringKind(kind) {
    const mine = ofKind(kind).filter((record) => starting.includes(record))
    await allOrEveryReason(
      mine.map(async (record) => {
        await kinds[kind].prepare(record, stack, found[kind])
        await startOne(record, stack)
      }),
    )
    for (const record of ofKind(kind)) await kinds[kind].started?.(record, stack)
  }
}

/** Starts one server that is prepared, and waits until it answers. */
export async function startOne(record, stack) {
  const kind = kinds[record.kind]
  if (stack.ending) throw new Refusal(`${record.name} is not started any more`)
  await launch(record)
  writeState(stack) // S1: before we know whether it comes up
  await comesUp(record, () => kind.answers(record), kind.startsWithinMs)
}

async function needPorts({ ports }, before) {
  for (const [name, wanted] of Object.entries(ports)) {
    const past = before.find((record) => record.name === name && running(record) !== undefined)
    if (past === undefined) await needFree(wanted, name)
    else if (JSON.stringify(past.ports) !== JSON.stringify(wanted)) {
      throw new Refusal(`${name} runs on port ${past.port}: stop it before it can move to ${Object.values(wanted)[0]}`)
    }
  }
}

function withPast(stack, record, before) {
  const past = before.find(({ name }) => name === record.name)
  if (past !== undefined && running(past) !== undefined) return past
  const file = (folder, ending) => join(stack.folder, folder, `${record.name}.${ending}`)
  return { ...record, cwd: record.home, log: file('logs', 'log'), pidFile: file('.', 'pid') }
}

/** All of them come to their end before this does: a failure must not leave others working behind our back. */
async function allOrEveryReason(promises) {
  const results = await Promise.allSettled(promises)
  const reasons = [...new Set(results.filter(({ status }) => status === 'rejected').map(({ reason }) => reason))]
  if (reasons.length === 1) throw reasons[0]
  const bugs = reasons.find((reason) => !(reason instanceof Refusal))
  if (bugs !== undefined) throw bugs
  if (reasons.length > 0) throw new Refusal(reasons.map(({ message }) => message).join('\n'))
  return results.map(({ value }) => value)
}

/** What listens where, and what to type next. */
export function summary(stack, started) {
  const rows = stack.servers.map((record) => {
    const others = Object.entries(record.ports).filter(([, port]) => port !== record.port)
    const more = others.map(([role, port]) => `${role} ${port}`).join(', ')
    return `  ${record.name.padEnd(12)} 127.0.0.1:${record.port}${more ? ` (${more})` : ''}`
  })
  const how = started.length === 0 ? 'Everything ran already.' : `Started ${started.join(', ')}.`
  return [how, ...rows, `Data, logs and state: ${stack.folder}`].join('\n')
}
