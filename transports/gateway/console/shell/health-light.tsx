import type { Readiness } from '../api/answers.ts'
import { getAnyway } from '../api/call.ts'
import { useAnswer } from '../api/use-answer.ts'

/** What the service needs, and how it is, as /readyz says it: one line, opened for the rest. */
export function HealthLight() {
  const { answer, error, loading, refresh } = useAnswer((signal) => getAnyway<Readiness>('/readyz', signal), [], 30_000)
  const { tone, words } = error || !answer?.dependencies ? unknown(loading) : wordsOf(answer)
  return (
    <details
      id="health"
      class="health"
      data-tone={tone}
      // Who opens it wants to know how it is now.
      onToggle={(event) => event.currentTarget.open && refresh()}
    >
      <summary>
        <span role="status">{words}</span>
      </summary>
      <ul>
        {!error &&
          answer?.dependencies?.map(({ name, ok, required, detail, remedy }) => (
            <li key={name} data-tone={ok ? 'good' : required ? 'bad' : 'warn'}>
              <b>{name}</b> {detail}
              {remedy && <span class="quiet">{remedy}</span>}
            </li>
          ))}
        <li class="links">
          <a href="/readyz">readyz</a> <a href="/metrics">metrics</a> <a href="/openapi.json">openapi</a>
        </li>
      </ul>
    </details>
  )
}

function unknown(loading: boolean) {
  return loading ? { tone: 'quiet', words: 'Looking…' } : { tone: 'bad', words: 'The service does not answer' }
}

function wordsOf({ status, dependencies }: Readiness) {
  const missing = dependencies.filter(({ ok }) => !ok).map(({ name }) => name)
  const tone = status !== 'ready' ? 'bad' : missing.length > 0 ? 'warn' : 'good'
  return { tone, words: missing.length === 0 ? 'All is well' : `Without ${missing.join(', ')}` }
}
