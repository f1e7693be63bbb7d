/** One line of the table that `npm run bench` prints. */
export interface BenchRow {
  readonly what: string
  readonly value: string
  readonly goal?: string
  readonly note?: string
}
