import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { nodeArguments, snapshotProgram } from './node-arguments.ts'

const MAKE_MS = 120_000
const HEAP_MB = 512

/**
 * The memory of a fresh Python, made once in a process and read by its capsules. In a file without a name: nobody else can
 * open it, let alone change what every program starts from, and no crash leaves it behind.
 */
export async function makePythonSnapshot(): Promise<FileHandle> {
  const folder = await mkdtemp(path.join(tmpdir(), 'soma-python-'))
  try {
    const file = path.join(folder, 'snapshot')
    const writing = await open(file, 'wx', 0o600)
    const reading = await open(file, 'r')
    try {
      await rm(folder, { recursive: true })
      await fill(writing)
      return reading
    } catch (error) {
      await reading.close()
      throw error
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function fill(writing: FileHandle): Promise<void> {
  const maker = spawn(process.execPath, nodeArguments(snapshotProgram, [], HEAP_MB), {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {},
    timeout: MAKE_MS,
    killSignal: 'SIGKILL',
  })
  const ended = once(maker, 'exit') as Promise<[number | null]>
  await pipeline(maker.stdout, writing.createWriteStream())
  const [code] = await ended
  if (code !== 0) throw new Error(`its maker ended with ${code}`)
}
