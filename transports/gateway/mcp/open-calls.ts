/**
 * The requests that clients wait for at this gateway, so that `notifications/cancelled`, which comes by a request of its
 * own, ends one. A client is told apart by its tenant and by the Mcp-Session-Id that it was given at `initialize`: ids of
 * requests count from 0 in each. A gateway that has no such request does nothing, which the spec allows; nothing is kept
 * of one that is over.
 */
export class OpenCalls {
  readonly #ends = new Map<string, () => void>()

  /** Returns what to call when the request is over. */
  open(client: string, id: string | number, end: () => void): () => void {
    const key = keyOf(client, id)
    this.#ends.set(key, end)
    return () => {
      if (this.#ends.get(key) === end) this.#ends.delete(key)
    }
  }

  cancel(client: string, id: string | number): void {
    this.#ends.get(keyOf(client, id))?.()
  }

  get size(): number {
    return this.#ends.size
  }
}

/** 1 and "1" are two ids. */
function keyOf(client: string, id: string | number): string {
  return JSON.stringify([client, id])
}
