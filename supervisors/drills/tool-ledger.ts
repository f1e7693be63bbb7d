import { closeSync, openSync, readSync, watch } from 'node:fs'
import type { ToolMark } from './ledger.ts'

/** The ledger file as it grows: every mark is told within a moment of being written, so that a kill can aim at it. */
export class ToolLedger {
  readonly marks: ToolMark[] = []
  readonly #file: number
  readonly #onMark: (mark: ToolMark) => void
  readonly #watcher: ReturnType<typeof watch>
  readonly #buffer = Buffer.alloc(64 * 1024)
  #offset = 0
  #rest = ''

  constructor(path: string, onMark: (mark: ToolMark) => void) {
    this.#file = openSync(path, 'r')
    this.#onMark = onMark
    this.#watcher = watch(path, () => this.read())
  }

  read(): void {
    for (;;) {
      const bytes = readSync(this.#file, this.#buffer, 0, this.#buffer.length, this.#offset)
      if (bytes === 0) return
      this.#offset += bytes
      const lines = (this.#rest + this.#buffer.toString('utf8', 0, bytes)).split('\n')
      this.#rest = lines.pop() ?? ''
      for (const line of lines) {
        const mark = JSON.parse(line) as ToolMark
        this.marks.push(mark)
        this.#onMark(mark)
      }
    }
  }

  close(): void {
    this.read()
    this.#watcher.close()
    closeSync(this.#file)
  }
}
