import { Batcher, type BatcherOptions } from '../actors/kernel/batcher.ts'
import { asDatabaseFailure, isStatementsFault } from './database-failure.ts'

/** Group commit of statements. */
export class StatementBatcher<Item, Answer> extends Batcher<Item, Answer> {
  constructor(
    write: (items: readonly Item[]) => Promise<readonly Answer[]>,
    options: Pick<BatcherOptions<Item>, 'maxBatch' | 'keyOf'> = {},
  ) {
    super(write, { ...options, isItemsFault: isStatementsFault, asFailure: asDatabaseFailure })
  }
}
