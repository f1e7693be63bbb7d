import { Failure, isFailure } from '../../actors/kernel/failure.ts'

/** What an error of the SDK, of a socket or of a schema says, on one line: operators and models read it. */
export function reasonOf(error: unknown): string {
  let deepest = error
  while (deepest instanceof Error && deepest.cause instanceof Error) deepest = deepest.cause
  const { message = String(deepest), code } = deepest as { message?: string; code?: string }
  return (issuesIn(deepest) ?? (message || code || 'no reason given')).slice(0, 500)
}

/** What a schema of the SDK found, if that is what the error is; its message would be pages of JSON. */
export function issuesIn(error: unknown): string | undefined {
  const { issues } = (error ?? {}) as { issues?: readonly { path: readonly PropertyKey[]; message: string }[] }
  if (!Array.isArray(issues)) return undefined
  const shown = issues.slice(0, 3).map(({ path, message }) => `${path.map(String).join('.')}: ${message}`)
  return `it does not fit the protocol (${shown.join('; ')})`
}

export function failureIn(error: unknown): Failure | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (isFailure(cause)) return cause
  return undefined
}

export function causes(error: unknown): string {
  let text = ''
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    text += ` ${cause.message} ${(cause as NodeJS.ErrnoException).code ?? ''}`
  }
  return text
}

/** Why there is no connection. */
export function unopened(error: unknown, safe: (text: string) => string): unknown {
  const failure = failureIn(error)
  if (isFailure(failure, 'BLOCKED_ADDRESS')) {
    return new Failure(
      'BLOCKED_ADDRESS',
      `${failure.detail} If it may be reached, name it in \`allow\` of this server.`,
    )
  }
  if (failure) return failure
  return new Failure('MCP_UNAVAILABLE', `it could not be started or reached: ${safe(reasonOf(error))}`, {
    cause: error,
  })
}
