import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import type { LocalCluster, ProcessRow } from './local-cluster.ts'
import type { SupervisedProcess } from './supervised-process.ts'

/**
 * Orders to a running `soma up`, over HTTP on a Unix socket: only who may open the socket's file may give them.
 *   GET  /processes
 *   POST /processes/NAME/kill · freeze · thaw · stop · start · restart
 *   POST /stop
 * `curl --unix-socket .soma/cluster/control.sock http://up/processes` is all it takes.
 */
export const orders = ['kill', 'freeze', 'thaw', 'stop', 'start', 'restart'] as const
export type Order = (typeof orders)[number]

export interface ControlAnswer {
  readonly pid: number
  readonly processes: readonly ProcessRow[]
}

const perform: Readonly<Record<Order, (process: SupervisedProcess) => unknown>> = {
  // As a crash: the supervision is part of what is tried out.
  kill: (process) => process.crash(),
  freeze: (process) => process.freeze(),
  thaw: (process) => process.thaw(),
  stop: (process) => process.stop(),
  start: (process) => process.start(),
  restart: async (process) => {
    await process.stop()
    process.start()
    await process.ready()
  },
}

export function controlServer(cluster: LocalCluster, stop: () => void): Server {
  return createServer((incoming, answer) => {
    obey(incoming, cluster, stop).then(
      () => told(answer, 200, { pid: process.pid, processes: cluster.rows() }),
      (error: Error) => told(answer, error instanceof Unknown ? 404 : 500, { error: error.message }),
    )
  })
}

class Unknown extends Error {}

async function obey({ method, url = '' }: IncomingMessage, cluster: LocalCluster, stop: () => void): Promise<void> {
  if (method === 'GET' && url === '/processes') return
  if (method === 'POST' && url === '/stop') {
    setImmediate(stop)
    return
  }
  const [, name = '', order = ''] = url.match(/^\/processes\/([\w.-]+)\/(\w+)$/) ?? []
  const target = cluster.find(name)
  if (method !== 'POST' || !(order in perform)) throw new Unknown(`there is no ${method} ${url}`)
  if (!target) throw new Unknown(`there is no process ${name}`)
  await perform[order as Order](target)
}

function told(answer: ServerResponse, status: number, body: unknown): void {
  answer.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
}

/** Rejects with ENOENT or ECONNREFUSED when no supervisor listens there. */
export async function order(socketPath: string, method: 'GET' | 'POST', path: string): Promise<ControlAnswer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ socketPath, method, path }, resolve).on('error', reject).end()
  })
  const body = (await json(response)) as ControlAnswer & { readonly error?: string }
  if (response.statusCode !== 200) throw new Error(body.error ?? `the supervisor answered ${response.statusCode}`)
  return body
}
