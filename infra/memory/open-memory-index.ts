import type { MemoryIndex } from '../../actors/memory/index/memory-index.ts'
import { ScanIndex } from './scan-index.ts'

/** The index of one memory shard. */
export function openMemoryIndex(): MemoryIndex {
  return new ScanIndex()
}
