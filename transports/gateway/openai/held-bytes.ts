import type { FastifyReply, FastifyRequest } from 'fastify'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { GatewayLimits } from '../config.ts'

/**
 * I9. A file that comes in a request's JSON is held whole until it is stored, unlike an upload. So the bytes of all such
 * requests are counted, from their Content-Length on, before any is read.
 */
export class HeldBytes {
  readonly #limits: Pick<GatewayLimits, 'bodyBytes' | 'openAiBodyBytes' | 'heldBytes'>
  readonly #perTenant = new Map<string, number>()
  readonly #releases = new WeakMap<FastifyRequest, () => void>()
  #held = 0

  constructor(limits: Pick<GatewayLimits, 'bodyBytes' | 'openAiBodyBytes' | 'heldBytes'>) {
    this.#limits = limits
  }

  get bytes(): number {
    return this.#held
  }

  /** Of a body that is no larger than any other nothing is counted; one that does not say its size may be the largest. */
  async beginBody(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { bodyBytes, openAiBodyBytes } = this.#limits
    const said = request.headers['content-length']
    const bytes = said === undefined ? openAiBodyBytes : Number(said)
    // One that is too large is refused by its size, unread.
    if (bytes <= bodyBytes || bytes > openAiBodyBytes) return
    const release = this.take(request.caller.tenant, bytes)
    this.#releases.set(request, release)
    // Whatever becomes of it, and also when its client goes away in the middle.
    reply.raw.once('close', release)
  }

  isLarge(request: FastifyRequest): boolean {
    return this.#releases.has(request)
  }

  releaseBody(request: FastifyRequest): void {
    this.#releases.get(request)?.()
  }

  /** Returns what gives them back. A tenant has at most half of the room, so that none shuts out the others. */
  take(tenant: string, bytes: number): () => void {
    const { heldBytes } = this.#limits
    const own = this.#perTenant.get(tenant) ?? 0
    if (this.#held + bytes > heldBytes || own + bytes > heldBytes / 2) {
      throw new Failure(
        'TOO_MANY_LARGE_REQUESTS',
        `${this.#held} bytes of requests are being read, ${own} of this tenant.`,
      )
    }
    this.#held += bytes
    this.#perTenant.set(tenant, own + bytes)
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#held -= bytes
      const left = (this.#perTenant.get(tenant) ?? bytes) - bytes
      if (left === 0) this.#perTenant.delete(tenant)
      else this.#perTenant.set(tenant, left)
    }
  }
}
