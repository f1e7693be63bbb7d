import {
  type Attachment,
  type AttachmentQuery,
  type Attachments,
  type ByteRange,
  type Decision,
  inOrder,
  type NewAttachment,
} from '../attachments.ts'
import { missing } from '../saving.ts'
import { mergeInOrder } from './merge-in-order.ts'
import type { JournalServer } from './open-spread.ts'
import type { ShardMap } from './shard-map.ts'

type Server = Pick<JournalServer, 'shards' | 'attachments'>

/** An attachment lies with its session, whose deletion it follows; an id alone is asked of all servers. */
export class SpreadAttachments implements Attachments {
  private readonly map: ShardMap<Server>

  constructor(map: ShardMap<Server>) {
    this.map = map
  }

  async save(given: NewAttachment): Promise<Attachment> {
    return this.map.ofSession(given.sessionId).attachments.save(given)
  }

  async get(tenant: string, id: string): Promise<Attachment | undefined> {
    return (await this.find(tenant, id))?.attachment
  }

  async *read(tenant: string, id: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
    const found = await this.find(tenant, id)
    if (!found) throw missing(id)
    yield* found.server.attachments.read(tenant, id, range)
  }

  async list(query: AttachmentQuery): Promise<Attachment[]> {
    const { sessionId, limit } = query
    if (sessionId !== undefined) return this.map.ofSession(sessionId).attachments.list(query)
    const lists = await Promise.all(this.map.all.map(({ attachments }) => attachments.list(query)))
    return mergeInOrder(lists, inOrder, limit)
  }

  async usage(tenant: string, sessionId: string) {
    return this.map.ofSession(sessionId).attachments.usage(tenant, sessionId)
  }

  async mark(tenant: string, id: string, decided: Decision): Promise<Attachment | undefined> {
    return (await this.find(tenant, id))?.server.attachments.mark(tenant, id, decided)
  }

  async remove(tenant: string, id: string): Promise<boolean> {
    return (await (await this.find(tenant, id))?.server.attachments.remove(tenant, id)) ?? false
  }

  removeOfSession(sessionId: string): Promise<void> {
    return this.map.ofSession(sessionId).attachments.removeOfSession(sessionId)
  }

  async sweep(before: number): Promise<number> {
    const swept = await Promise.all(this.map.all.map(({ attachments }) => attachments.sweep(before)))
    return swept.reduce((sum, one) => sum + one, 0)
  }

  /** One server that is away hides nothing that another has; but where none has it, nobody may say that it is not there. */
  private async find(tenant: string, id: string): Promise<{ attachment: Attachment; server: Server } | undefined> {
    const asked = await Promise.allSettled(
      this.map.all.map(async (server) => ({ attachment: await server.attachments.get(tenant, id), server })),
    )
    for (const answer of asked) {
      if (answer.status === 'rejected' || !answer.value.attachment) continue
      return { attachment: answer.value.attachment, server: answer.value.server }
    }
    const failed = asked.find((answer) => answer.status === 'rejected')
    if (failed) throw failed.reason
    return undefined
  }
}
