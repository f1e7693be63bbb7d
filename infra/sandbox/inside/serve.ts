import { readFileSync, readSync, writeSync } from 'node:fs'
import { type Ended, encodeFrame, type FrameKind, MAX_FRAME, type Ready } from '../frames.ts'
import type { Interpreter, Job } from './interpreter.ts'

/**
 * The life of a capsule, as one straight line: load, say so, wait for the one job, run it, say how it ended, exit. It
 * waits in a read that blocks, so there is no event loop for a program to leave something behind in, and when the node
 * dies the read ends and the capsule with it.
 */
export async function serve(load: () => Promise<Interpreter>): Promise<never> {
  const interpreter = await load()
  say('R', json({ cpuMs: cpuMs(), dataBytes: dataBytes() } satisfies Ready))
  const job = nextJob()
  if (job === undefined) return process.exit(0)
  disarm()
  say('X', json(run(interpreter, job)))
  return process.exit(0)
}

function run(interpreter: Interpreter, job: Job): Ended {
  try {
    return interpreter(job, { stdout: (bytes) => say('O', bytes), stderr: (bytes) => say('E', bytes) })
  } catch (error) {
    // The stack of the interpreter is used up, most of the time.
    return { end: 'crashed', detail: String(error).slice(0, 500) }
  }
}

/**
 * What is left of the process once its program runs. No wall, only less to stand on for whoever broke through the first:
 * the ways out that Node's permission model leaves open.
 */
function disarm(): void {
  const handles = process as unknown as Record<string, unknown>
  for (const name of ['kill', '_kill', 'binding', '_linkedBinding', 'dlopen', '_debugProcess']) {
    Object.defineProperty(handles, name, { value: undefined, configurable: false })
  }
}

/** One frame: four bytes of length, then JSON. Undefined when the node has gone. */
function nextJob(): Job | undefined {
  const header = readWholly(4)
  const body = header && readWholly(header.readUInt32LE(0))
  return body && (JSON.parse(body.toString('utf8')) as Job)
}

function readWholly(length: number): Buffer | undefined {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; ) {
    const read = readSync(0, bytes, at, length - at, null)
    if (read === 0) return undefined
    at += read
  }
  return bytes
}

function say(kind: FrameKind, payload: Uint8Array): void {
  for (let at = 0; at === 0 || at < payload.length; at += MAX_FRAME) {
    const frame = encodeFrame(kind, payload.subarray(at, at + MAX_FRAME))
    for (let sent = 0; sent < frame.length; ) sent += writeSync(1, frame, sent)
  }
}

function json(value: Ready | Ended): Uint8Array {
  return Buffer.from(JSON.stringify(value), 'utf8')
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return Math.ceil((user + system) / 1_000)
}

/** Linux counts it; elsewhere nobody sets a limit that would need it. */
function dataBytes(): number {
  try {
    const kilobytes = /^VmData:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]
    return Number(kilobytes ?? 0) * 1_024
  } catch {
    return 0
  }
}
