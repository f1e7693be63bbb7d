import type { DrillReports, DrillSummary, StoredDrill } from './drill-reports.ts'
import { copyOf } from './in-memory-store.ts'

export class InMemoryDrillReports implements DrillReports {
  readonly #reports = new Map<string, StoredDrill>()

  async save(report: StoredDrill): Promise<void> {
    if (!this.#reports.has(report.id)) this.#reports.set(report.id, copyOf(report))
  }

  async list(limit: number): Promise<DrillSummary[]> {
    return [...this.#reports.values()]
      .sort((a, b) => b.startedAt - a.startedAt || (a.id < b.id ? -1 : 1))
      .slice(0, limit)
      .map(({ report: _, ...summary }) => summary)
  }

  async get(id: string): Promise<StoredDrill | undefined> {
    return copyOf(this.#reports.get(id))
  }
}
