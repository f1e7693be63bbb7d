import { once } from 'node:events'
import { WebSocket } from 'undici'

/** The parts of V8's profile that are read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

export interface SelfTime {
  readonly name: string
  readonly room: string
  readonly ms: number
}

/** A process started with `--inspect`: its CPU while `work` is done, boot and end left out. */
export async function profiled<T>(port: number, work: () => Promise<T>): Promise<{ result: T; profile: CpuProfile }> {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    webSocketDebuggerUrl: string
  }[]
  const socket = new WebSocket((targets[0] as { webSocketDebuggerUrl: string }).webSocketDebuggerUrl)
  await once(socket, 'open')
  let asked = 0
  const call = (method: string, params: object = {}) =>
    new Promise<{ profile: CpuProfile }>((resolve) => {
      const id = ++asked
      const listen = ({ data }: { data: unknown }) => {
        const answer = JSON.parse(String(data)) as { id?: number; result: { profile: CpuProfile } }
        if (answer.id !== id) return
        socket.removeEventListener('message', listen)
        resolve(answer.result)
      }
      socket.addEventListener('message', listen)
      socket.send(JSON.stringify({ id, method, params }))
    })
  await call('Profiler.enable')
  await call('Profiler.setSamplingInterval', { interval: 500 })
  await call('Profiler.start')
  const result = await work()
  const { profile } = await call('Profiler.stop')
  socket.close()
  return { result, profile }
}

/** Largest first; idle time left out. */
export function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): SelfTime[] {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const sums = new Map<string, { name: string; room: string; ms: number }>()
  samples.forEach((sample, n) => {
    const frame = frames.get(sample)
    if (frame === undefined || frame.functionName === '(idle)') return
    const room = roomOf(frame.functionName, frame.url)
    const file = frame.url.split('/').at(-1) ?? ''
    const name = `${frame.functionName || '(anonymous)'} ${file}:${frame.lineNumber + 1}`
    const sum = sums.get(`${room} ${name}`) ?? { name, room, ms: 0 }
    sum.ms += (timeDeltas[n] ?? 0) / 1_000
    sums.set(`${room} ${name}`, sum)
  })
  return [...sums.values()].sort((a, b) => b.ms - a.ms)
}

export function byRoom(times: readonly SelfTime[]): SelfTime[] {
  const sums = new Map<string, number>()
  for (const { room, ms } of times) sums.set(room, (sums.get(room) ?? 0) + ms)
  return [...sums].map(([room, ms]) => ({ name: room, room, ms })).sort((a, b) => b.ms - a.ms)
}

/** A package, a folder of ours, a module of Node, or what V8 calls by its own names. */
function roomOf(name: string, url: string): string {
  if (name === '(garbage collector)') return 'garbage collection'
  if (name === '(program)') return 'native code and system calls'
  const modules = url.split('/node_modules/').at(-1)
  if (url.includes('/node_modules/'))
    return (modules?.split('/').slice(0, modules.startsWith('@') ? 2 : 1) ?? []).join('/')
  if (url.startsWith('node:')) return `node: ${url.slice(5).replace('internal/', '').split('/')[0]}`
  return /\/dist\/((?:[^/]+\/){1,2})/.exec(url)?.[1]?.replace(/\/$/, '') ?? 'V8 builtins'
}
