import { isFailure } from '../../actors/kernel/failure.ts'

/** The code that a promise rejects with, or its message where it has none; `resolved` when it does not. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'resolved'
  } catch (error) {
    return isFailure(error) ? error.code : (error as Error).message
  }
}
