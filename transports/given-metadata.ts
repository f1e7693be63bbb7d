import { z } from 'zod'

/** Tokens; 0 is no limit. More than any budget that is meant, and far from where numbers lose their last digit. */
const MAX_BUDGET = 1_000_000_000_000

export const tokenBudget = z.int().min(0).max(MAX_BUDGET)

/**
 * Metadata that a client gives: anything, but for what a session goes by (turn-budget.ts). Taken for "no limit", a budget that
 * is no number would cost its owner money in silence. OpenAI's clients have only strings for values, so its digits will do.
 */
export const givenMetadata = z.record(z.string().max(200), z.unknown()).check(({ value: { budget }, issues }) => {
  if (budget == null) return
  const asked = typeof budget === 'string' && /^\d+$/.test(budget) ? Number(budget) : budget
  if (tokenBudget.safeParse(asked).success) return
  const message = `must be a whole number of tokens from 0 (no limit) to ${MAX_BUDGET.toLocaleString('en')}`
  issues.push({ code: 'custom', input: budget, path: ['budget'], message })
})
