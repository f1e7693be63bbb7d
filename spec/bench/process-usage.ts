import { readFileSync } from 'node:fs'

/** What a process of ours has used, all its threads together, as Linux tells it; undefined elsewhere. */

/** The kernel counts in hundredths of a second (USER_HZ), whatever its own clock. */
const TICK_MS = 10

export function cpuMs(pid: number | undefined): number | undefined {
  const text = read(`/proc/${pid}/stat`)
  // The name of the program, in parentheses, may itself hold spaces and parentheses.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields && (Number(fields[11]) + Number(fields[12])) * TICK_MS
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
