#!/usr/bin/env node
// The real servers without Docker; `--help` tells. Plain JavaScript on Node's own modules, because it runs before anything
// is installed. What a stack is made of is in stack/state.mjs, each server in a file of its own beside it.
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { abrupt, deleteData, forget, takeDown } from './stack/down.mjs'
import { kinds } from './stack/kinds.mjs'
import { dataFolder, planned } from './stack/plan.mjs'
import { needFree } from './stack/ports.mjs'
import { end, running } from './stack/processes.mjs'
import { misused, Refusal, say } from './stack/refusal.mjs'
import { runWith } from './stack/run.mjs'
import { lock, readState, serverOf } from './stack/state.mjs'
import { exportsOf, statusOf, statusTable } from './stack/status.mjs'
import { bringUp, findAll, startOne, summary } from './stack/up.mjs'
import { usage } from './stack/usage.mjs'

const entry = fileURLToPath(import.meta.url)
const checkout = dirname(dirname(entry))
const text = { type: 'string' }
const yes = { type: 'boolean' }
const options = {
  ...{ brokers: text, postgres: text, with: text, ports: text, data: text, cache: text, 'prometheus-config': text },
  ...{ delete: yes, json: yes, help: { ...yes, short: 'h' } },
}

let exitCode
try {
  exitCode = (await main(process.argv.slice(2))) ?? 0
} catch (error) {
  if (!(error instanceof Refusal)) throw error
  say(error.message)
  exitCode = error.exitCode
}
// What was still on its way when a signal came (a build, a server's preparation) is not waited for.
process.stdout.write('', () => process.exit(exitCode))

async function main(words) {
  const { flags, verb, names, command } = parsed(words)
  if (flags.help) return void console.log(usage)
  const folder = dataFolder(flags, checkout)
  const verbs = {
    up,
    down,
    status,
    env,
    start,
    stop,
    kill,
    restart,
    prepare,
    run: () => runWith(flags, command, { checkout, entry }),
  }
  if (!Object.hasOwn(verbs, verb)) throw misused(`there is no command "${verb}"`)
  return verbs[verb]()

  function up() {
    return alone(async () => {
      const stack = await planned(flags, { checkout, folder, previous: readState(folder) })
      const started = await bringUp(stack)
      console.log(summary(stack, started))
      const here = flags.data === undefined ? '' : ` --data '${folder}'`
      console.log(`Next:\n  eval "$(node infra/stack.mjs env${here})"\n  npx soma up --nodes 3 --gateways 2`)
    })
  }

  async function down() {
    if (readState(folder) === undefined) return void say(`nothing to stop: no stack in ${folder}`)
    await alone(async () => {
      const stack = readState(folder)
      if (stack === undefined) return
      for (const line of await takeDown(stack, { abruptly: flags.delete })) say(line)
      if (flags.delete) deleteData(stack)
      else forget(stack)
    })
  }

  function status() {
    const stack = readState(folder)
    const rows = stack === undefined ? [] : statusOf(stack)
    if (flags.json) console.log(JSON.stringify(rows))
    else console.log(stack === undefined ? `No stack in ${folder}: npm run stack starts one.` : statusTable(rows))
    return rows.length > 0 && rows.every(({ up }) => up) ? 0 : 3
  }

  function env() {
    const stack = readState(folder)
    if (stack === undefined) throw new Refusal(`no stack in ${folder}: npm run stack starts one`)
    console.log(exportsOf(stack))
  }

  function start() {
    return each(async (record, stack) => {
      if (running(record) === undefined) {
        await needFree(record.ports, record.name)
        await startOne(record, stack)
      }
      await kinds[record.kind].started?.(record, stack)
      say(`${record.name}: up`)
    })
  }

  function stop() {
    return each(async (record) => say(`${record.name}: ${await end(record, kinds[record.kind].stops)}`))
  }

  function kill() {
    return each(async (record) => say(`${record.name}: ${await end(record, abrupt(record))}`))
  }

  async function restart() {
    await stop()
    await start()
  }

  async function prepare() {
    await findAll(await planned(flags, { checkout, folder }))
  }

  function each(act) {
    if (names.length === 0) throw misused(`${verb} needs the name of a server, for instance kafka-1`)
    for (const name of names) serverOf(readState(folder), name)
    return alone(async () => {
      const stack = readState(folder)
      for (const record of names.map((name) => serverOf(stack, name))) await act(record, stack)
    })
  }

  async function alone(act) {
    const release = await lock(folder)
    try {
      return await act()
    } finally {
      release()
    }
  }
}

function parsed(words) {
  const split = words.indexOf('--')
  const own = split === -1 ? words : words.slice(0, split)
  try {
    const { values, positionals } = parseArgs({ args: own, options, allowPositionals: true })
    const [verb = 'up', ...names] = positionals
    return { flags: values, verb, names, command: split === -1 ? [] : words.slice(split + 1) }
  } catch (error) {
    throw misused(error.message)
  }
}
