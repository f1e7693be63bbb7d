import type { BenchRow } from './bench-row.ts'

export interface Bench {
  /** What `npm run bench -- NAME` selects. */
  readonly name: string
  load(): Promise<{ run(): Promise<BenchRow[]> }>
}

/** In the order of the table. Each runs in a process of its own, so that none measures the heap and the JIT of another. */
export const benches: readonly Bench[] = [
  { name: 'local-tell', load: () => import('./local-tell.bench.ts') },
  { name: 'fan-out', load: () => import('./fan-out.bench.ts') },
  { name: 'journal', load: () => import('./journal.bench.ts') },
  { name: 'activation', load: () => import('./activation.bench.ts') },
  { name: 'sessions', load: () => import('./sessions.bench.ts') },
  { name: 'turns', load: () => import('./turns.bench.ts') },
  { name: 'tokens', load: () => import('./tokens.bench.ts') },
  { name: 'recovery', load: () => import('./recovery.bench.ts') },
  { name: 'tracing', load: () => import('./tracing.bench.ts') },
  { name: 'boot', load: () => import('./boot.bench.ts') },
  { name: 'memory-quality', load: () => import('./memory-quality.bench.ts') },
  { name: 'memory-search', load: () => import('./memory-search.bench.ts') },
  { name: 'cluster-turns', load: () => import('./cluster-turns.bench.ts') },
  { name: 'cluster-nodes', load: () => import('./cluster-nodes.bench.ts') },
  { name: 'cluster-tokens', load: () => import('./cluster-tokens.bench.ts') },
  { name: 'tool-calls', load: () => import('./tool-calls.bench.ts') },
  { name: 'takeover', load: () => import('./takeover.bench.ts') },
  { name: 'long-session', load: () => import('./long-session.bench.ts') },
  { name: 'sandbox', load: () => import('./sandbox.bench.ts') },
  { name: 'cluster-profile', load: () => import('./cluster-profile.bench.ts') },
]
