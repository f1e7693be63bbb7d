/** OpenFGA names a store by an id that it makes; people and compose files know the name they gave. */
export interface Store {
  readonly id: string
  readonly name: string
}

export interface StoreQuestion {
  readonly path: string
  pick(answer: unknown): Store | undefined
}

/** How a store is asked for by what OPENFGA_STORE_ID holds: an id (a ULID), or a name. */
export function storeQuestion(store: string): StoreQuestion {
  if (/^[0-9A-HJKMNP-TV-Z]{26}$/.test(store)) return { path: `/stores/${store}`, pick: storeIn }
  return {
    path: `/stores?page_size=100&name=${encodeURIComponent(store)}`,
    // Servers that do not know the filter list all.
    pick: (answer) => listOf(answer).find(({ name }) => name === store),
  }
}

function listOf(answer: unknown): Store[] {
  const { stores } = Object(answer) as { stores?: unknown }
  return Array.isArray(stores) ? stores.flatMap((it) => storeIn(it) ?? []) : []
}

function storeIn(value: unknown): Store | undefined {
  const { id, name } = Object(value) as Record<string, unknown>
  return typeof id === 'string' ? { id, name: typeof name === 'string' ? name : '' } : undefined
}
