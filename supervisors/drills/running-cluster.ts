import { setTimeout as pause } from 'node:timers/promises'
import { ask, type ClusterNodeRow, type DrillTarget } from './target.ts'

const REVIVE_MS = 60_000
const LOOK_MS = 200

/**
 * A cluster that runs already, reached by its gateways alone: a node is ordered to kill or to freeze itself, and whoever
 * supervises it has to start it again.
 */
export async function runningCluster(urls: readonly string[], token: string | undefined): Promise<DrillTarget> {
  const entrance = { urls, ...(token !== undefined && { token }) }
  const look = async () => (await ask<{ nodes: ClusterNodeRow[] }>(entrance, '/v1/admin/nodes')).nodes
  const members = await look()
  const before = new Map<string, string>()
  const order = async (name: string, body: object) => {
    const member = (await look()).find((one) => one.name === name && one.state === 'ready')
    if (!member) throw new Error(`there is no ready process ${name} in the cluster`)
    before.set(name, member.id)
    // A process that dies at once may take its answer along.
    await ask(entrance, `/v1/admin/nodes/${encodeURIComponent(member.id)}/order`, body).catch(() => {})
  }
  return {
    ...entrance,
    nodes: members.filter(({ roles }) => roles.includes('session')).map(({ name }) => name),
    gateways: members.filter(({ roles }) => roles.includes('gateway')).map(({ name, url }) => ({ name, url })),
    kill: (name) => order(name, { order: 'die' }),
    async revive(name) {
      for (const until = performance.now() + REVIVE_MS; performance.now() < until; await pause(LOOK_MS)) {
        const rows = await look().catch(() => [])
        const back = rows.find((row) => row.name === name && row.state === 'ready' && row.id !== before.get(name))
        if (back) return
      }
      throw new Error(`nobody started ${name} again within ${REVIVE_MS / 1_000} s: is it supervised?`)
    },
    async freeze(name, ms) {
      await order(name, { order: 'freeze', ms })
      await pause(ms)
    },
    close: async () => {},
  }
}
