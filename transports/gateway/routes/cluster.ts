import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { ClusterOperations } from '../../../actors/kernel/cluster.ts'
import { Failure } from '../../../actors/kernel/failure.ts'
import { requireScope } from '../auth.ts'
import type { GatewayContext } from '../gateway.ts'
import type { App } from '../http-server.ts'
import { iso } from '../schemas.ts'

const nodeParams = z.object({ id: z.string().min(1).max(300) })
const LONGEST_FREEZE_MS = 600_000

/** The processes of the cluster and who owns what (scope admin); what ends or moves work needs `admin:all`. */
export function clusterRoutes(app: App, { operations }: GatewayContext): void {
  const tags = ['cluster']
  const admin = async (request: FastifyRequest) => requireScope(request.caller, 'admin')
  const adminOfAll = async (request: FastifyRequest) => requireScope(request.caller, 'admin:all')

  const cluster = (): ClusterOperations => {
    if (operations.cluster) return operations.cluster
    throw new Failure('NODE_NOT_FOUND', 'This is one process, not a cluster: KAFKA_BOOTSTRAP_SERVERS is not set.')
  }

  app.get(
    '/v1/admin/nodes',
    { preHandler: admin, schema: { tags, summary: 'Every live process: roles, state, shards, lag' } },
    async () => ({
      nodes: (await cluster().nodes()).map(({ startedAt, ...node }) => ({ ...node, started_at: iso(startedAt) })),
    }),
  )

  app.get(
    '/v1/admin/shards',
    { preHandler: admin, schema: { tags, summary: 'Every shard: owner and epoch' } },
    async () => ({
      shards: (await cluster().shards()).map(({ ownerName, ...shard }) => ({ ...shard, owner_name: ownerName })),
    }),
  )

  app.post(
    '/v1/admin/nodes/:id/drain',
    {
      preHandler: adminOfAll,
      schema: { tags, summary: 'Hand its shards over; it goes on without any', params: nodeParams },
    },
    async (request) => {
      await cluster().drain(request.params.id)
      return { status: 'drained' as const, node: request.params.id }
    },
  )

  app.post(
    '/v1/admin/nodes/:id/order',
    {
      preHandler: adminOfAll,
      schema: {
        tags,
        summary: 'For failover drills: die (SIGKILL), or freeze for a while (SIGSTOP)',
        params: nodeParams,
        body: z.discriminatedUnion('order', [
          z.object({ order: z.literal('die') }),
          z.object({ order: z.literal('freeze'), ms: z.number().int().min(1).max(LONGEST_FREEZE_MS) }),
        ]),
      },
    },
    async (request) => {
      await cluster().order(request.params.id, request.body)
      return { status: 'ordered' as const, node: request.params.id }
    },
  )
}
