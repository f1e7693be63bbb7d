import { Failure } from '../../actors/kernel/failure.ts'
import type { Memory } from '../../actors/memory/memory.ts'

/** Memory for the tools, which are there before what memory is made of: to be opened before anything runs. */
export class LateMemory implements Memory {
  private memory: Memory | undefined

  opened(memory: Memory): void {
    this.memory = memory
  }

  remember(...args: Parameters<Memory['remember']>) {
    return this.inner().remember(...args)
  }
  recall(...args: Parameters<Memory['recall']>) {
    return this.inner().recall(...args)
  }
  forget(...args: Parameters<Memory['forget']>) {
    return this.inner().forget(...args)
  }
  get(...args: Parameters<Memory['get']>) {
    return this.inner().get(...args)
  }
  list(...args: Parameters<Memory['list']>) {
    return this.inner().list(...args)
  }
  namespaces(tenant: string) {
    return this.inner().namespaces(tenant)
  }

  private inner(): Memory {
    if (this.memory) return this.memory
    throw new Failure('MEMORY_UNAVAILABLE', 'the memory of this process is not open yet', { retryAfter: 1 })
  }
}
