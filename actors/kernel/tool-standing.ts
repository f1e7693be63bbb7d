/** A tool in one process as an operator sees it; of its breaker, the asking tenant's (actors/tool/breaker.ts). */
export interface ToolStanding {
  readonly tool: string
  readonly breaker: 'closed' | 'half-open' | 'open'
  readonly running: number
  readonly waiting: number
}

const order = ['closed', 'half-open', 'open'] as const

/** Of several processes: the worst breaker, and all that runs and waits. */
export function together(standings: readonly (readonly ToolStanding[])[]): ToolStanding[] {
  const byTool = new Map<string, ToolStanding>()
  for (const one of standings.flat()) {
    const other = byTool.get(one.tool)
    const worse = other && order.indexOf(other.breaker) > order.indexOf(one.breaker) ? other.breaker : one.breaker
    byTool.set(one.tool, {
      tool: one.tool,
      breaker: worse,
      running: one.running + (other?.running ?? 0),
      waiting: one.waiting + (other?.waiting ?? 0),
    })
  }
  return [...byTool.values()]
}
