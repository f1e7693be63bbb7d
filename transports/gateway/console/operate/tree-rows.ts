/** An actor or what stands above it, as the gateway tells it (actors/kernel/actor.ts). */
export interface TreeNode {
  readonly path: string
  readonly type: string
  readonly address?: string
  readonly state: 'starting' | 'running' | 'backing-off' | 'stopping'
  readonly mailbox: number
  readonly restarts: number
  readonly children: readonly TreeNode[]
}

export interface TreeRow {
  readonly key: string
  readonly node: TreeNode
  readonly depth: number
  /** Actors somewhere below it. */
  readonly below: number
  readonly open: boolean
}

/**
 * The tree as a list, in the order in which it is drawn. Below what is closed nothing is shown; a search shows what it finds
 * and whatever stands above that, open.
 */
export function treeRows(tree: readonly TreeNode[], closed: ReadonlySet<string>, search: string): TreeRow[] {
  const wanted = search.trim().toLowerCase()
  const rows: TreeRow[] = []
  const walk = (node: TreeNode, depth: number, above: string): { found: boolean; below: number } => {
    const key = `${above}/${node.path}`
    const open = wanted !== '' || !closed.has(key)
    const at = rows.length
    rows.push({ key, node, depth, below: 0, open })
    let found = isWanted(node, wanted)
    let below = 0
    for (const child of node.children) {
      const inner = walk(child, depth + 1, key)
      below += inner.below + 1
      found = inner.found || found
    }
    if (!found) rows.length = at
    else {
      rows[at] = { key, node, depth, below, open }
      if (!open) rows.length = at + 1
    }
    return { found, below }
  }
  for (const node of tree) walk(node, 0, '')
  return rows
}

function isWanted({ path, type, state, address = '' }: TreeNode, wanted: string): boolean {
  return wanted === '' || `${path} ${type} ${state} ${address}`.toLowerCase().includes(wanted)
}

export interface TreeTotals {
  /** Processes whose trees these are; one that runs alone tells its kinds and not itself. */
  readonly processes: number
  /** Without what only stands above them: nodes, kinds, shards. */
  readonly actors: number
  readonly waiting: number
  readonly restarts: number
}

const HOLDERS: ReadonlySet<string> = new Set(['node', 'kind', 'shard'])

export function totalsOf(tree: readonly TreeNode[]): TreeTotals {
  const processes = Math.max(1, tree.filter(({ type }) => type === 'node').length)
  const totals = { processes, actors: 0, waiting: 0, restarts: 0 }
  const stack = [...tree]
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (!HOLDERS.has(node.type)) totals.actors++
    totals.waiting += node.mailbox
    totals.restarts += node.restarts
    stack.push(...node.children)
  }
  return totals
}

export function nameOf({ path, address }: TreeNode): string {
  return address ?? path.split('/').filter(Boolean).at(-1) ?? path
}
