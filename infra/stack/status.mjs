import { running } from './processes.mjs'

/** Each server of the stack as it is now. */
export function statusOf(stack) {
  return stack.servers.map((record) => {
    const seen = running(record)
    const { name, port } = record
    return seen === undefined
      ? { name, port, up: false }
      : { name, port, up: true, pid: record.pid, rssMb: Math.round(seen.rssKb / 1_024), since: record.since }
  })
}

export function statusTable(rows) {
  const heads = ['server', 'state', 'pid', 'port', 'RSS', 'since']
  const cells = rows.map(({ name, up, pid, port, rssMb, since }) =>
    [name, up ? 'up' : 'down', pid ?? '', port, rssMb === undefined ? '' : `${rssMb} MB`, since ?? ''].map(String),
  )
  const widths = heads.map((head, index) => Math.max(head.length, ...cells.map((row) => row[index].length)))
  return [heads, ...cells]
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** For `eval "$(node infra/stack.mjs env)"`. */
export function exportsOf({ variables }) {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'`)
    .join('\n')
}
