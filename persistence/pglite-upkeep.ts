import type { PGlite } from '@electric-sql/pglite'

export class PgliteUpkeep {
  private readonly database: PGlite

  constructor(database: PGlite) {
    this.database = database
  }

  async afterStatement(): Promise<void> {
    void this.database
  }
}
