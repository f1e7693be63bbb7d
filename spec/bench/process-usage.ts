import { readdirSync, readFileSync } from 'node:fs'

/** What a process of ours has used, all its threads together, as Linux tells it; undefined elsewhere. */

/** The kernel counts in hundredths of a second (USER_HZ), whatever its own clock. */
const TICK_MS = 10

export function cpuMs(pid: number | undefined): number | undefined {
  const fields = statOf(pid)
  return fields && (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

/** With all it has started, those that have ended and been waited for too: Postgres has a process for each connection. */
export function treeCpuMs(pid: number): number | undefined {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const stats = new Map(all.map((name) => [Number(name), statOf(name)] as const))
  const used = (id: number): number => {
    const fields = stats.get(id) as readonly string[]
    const own = [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0) * TICK_MS
    const children = [...stats].filter(([, child]) => Number(child?.[1]) === id)
    return children.reduce((sum, [child]) => sum + used(child), own)
  }
  return stats.get(pid) && used(pid)
}

/** From the third field on. */
function statOf(pid: number | string | undefined): readonly string[] | undefined {
  const text = read(`/proc/${pid}/stat`)
  // The name of the program, in parentheses, may itself hold spaces and parentheses.
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

export function residentBytes(pid: number | undefined): number | undefined {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
