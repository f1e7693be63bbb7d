/**
 * The offset from which a shard's deliveries resume (I5): the lowest delivered and not yet settled, or the one after
 * the newest delivered when all are settled. Settling is out of order, because every address has a lane of its own.
 *   W1. `value` never passes a delivered offset that is not settled.
 *   W2. `value` never goes back.
 *   W3. Once all that was delivered is settled, `value` is the newest offset + 1: nothing is delivered again for ever.
 * Offsets grow but may have gaps (a sequence's rolled-back numbers, Kafka's transaction markers).
 */
export class LowWatermark {
  private readonly unsettled = new Set<number>()
  /** Delivered offsets in order; those before `first` are settled. A Set alone would do, but its first entry costs O(deleted). */
  private order: number[] = []
  private first = 0
  private next: number

  /** `start`: the stored offset, from which delivery resumed. */
  constructor(start: number) {
    this.next = start
  }

  /** In the order of the log. Again after a reconnect is no news: an offset already seen keeps its standing. */
  delivered(offset: number): void {
    if (offset < this.next) return
    this.next = offset + 1
    this.unsettled.add(offset)
    this.order.push(offset)
  }

  /** Settling twice, or what was never delivered, changes nothing. Returns whether `value` moved. */
  settled(offset: number): boolean {
    if (!this.unsettled.delete(offset)) return false
    if (this.order[this.first] !== offset) return false
    let first = this.first + 1
    while (first < this.order.length && !this.unsettled.has(this.order[first] as number)) first++
    this.first = first
    // Trimmed when half of it is past: amortised O(1), against O(n) for a shift per message.
    if (first > 1024 && first * 2 > this.order.length) {
      this.order = this.order.slice(first)
      this.first = 0
    }
    return true
  }

  /** Next offset to resume from. */
  get value(): number {
    return this.order[this.first] ?? this.next
  }

  /** Delivered and not settled. */
  get pending(): number {
    return this.unsettled.size
  }
}
