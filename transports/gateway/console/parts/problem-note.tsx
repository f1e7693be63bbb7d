import { NoAnswerError, ProblemError } from '../api/problem.ts'
import { RelativeTime } from './relative-time.tsx'

interface ProblemNoteProps {
  readonly error: Error | undefined
  /** When what is shown below was true; undefined: nothing is shown. */
  readonly at?: number | undefined
  retry?(): void
}

/** What went wrong, its code, and what to do. With `at`, what is on the screen is stale rather than missing. */
export function ProblemNote({ error, at, retry }: ProblemNoteProps) {
  if (!error) return null
  const problem = error instanceof ProblemError ? error.problem : undefined
  return (
    <div class="note" data-tone={at === undefined ? 'bad' : 'warn'} role="alert">
      <div>
        <strong>{problem?.title ?? error.message}</strong> {problem && <code>{problem.code}</code>}
        {problem && <p>{problem.detail}</p>}
        {problem?.errors?.map(({ path, message }) => (
          <p key={path}>
            <code>{path}</code> {message}
          </p>
        ))}
        <p class="quiet">
          {problem?.remedy ?? (error instanceof NoAnswerError && 'Asked again by itself until it answers.')}
          {at !== undefined && (
            <>
              {' '}
              Shown as of <RelativeTime at={at} />.
            </>
          )}
        </p>
      </div>
      {retry && (
        <button type="button" onClick={retry}>
          Ask again
        </button>
      )}
    </div>
  )
}
