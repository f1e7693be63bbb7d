import './reference.css'
import { useState } from 'preact/hooks'
import { get } from '../api/call.ts'
import { useAnswer } from '../api/use-answer.ts'
import { Blank, Loading } from '../parts/blank.tsx'
import { JsonView } from '../parts/json-view.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { ViewFrame } from '../parts/view-frame.tsx'

interface Operation {
  readonly path: string
  readonly method: string
  readonly summary?: string
  readonly tags?: readonly string[]
  readonly parameters?: readonly { name: string; in: string; required?: boolean; schema?: object }[]
  readonly requestBody?: { readonly content?: Content }
  readonly responses?: Readonly<Record<string, { readonly content?: Content }>>
}
type Content = Readonly<Record<string, { readonly schema?: unknown }>>

interface OpenApi {
  readonly info: { readonly description: string; readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Omit<Operation, 'path' | 'method'>>>>>
}

/** /openapi.json laid out: routes by tag, with what they take and answer. */
export default function ApiView() {
  const { answer, error, refresh } = useAnswer((signal) => get<OpenApi>('/openapi.json', signal), [])
  const [filter, setFilter] = useState('')
  const operations = Object.entries(answer?.paths ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Operation => ({ ...operation, path, method })),
  )
  const shown = operations.filter(({ path, method, summary = '' }) =>
    `${method} ${path} ${summary}`.toLowerCase().includes(filter.trim().toLowerCase()),
  )
  const tags = [...new Set(shown.map(tagOf))]
  return (
    <ViewFrame
      title="API"
      about={answer && `version ${answer.info.version}`}
      actions={<a href="/openapi.json">openapi.json</a>}
    >
      <div class="filters">
        <input
          type="search"
          aria-label="Filter routes"
          placeholder="Filter routes"
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
        <span class="quiet" role="status">
          {answer && `${shown.length} of ${operations.length} routes`}
        </span>
      </div>
      <ProblemNote error={error} retry={refresh} />
      {!answer && !error && <Loading />}
      {answer && shown.length === 0 && <Blank title="No route is called that" />}
      <div class="view-pad reference">
        {answer && <p class="quiet">{answer.info.description}</p>}
        {tags.map((tag) => (
          <section key={tag}>
            <h2>{tag}</h2>
            {shown
              .filter((operation) => tagOf(operation) === tag)
              .map((operation) => (
                <Route key={`${operation.method} ${operation.path}`} operation={operation} />
              ))}
          </section>
        ))}
      </div>
    </ViewFrame>
  )
}

function tagOf({ tags }: Operation): string {
  return tags?.[0] ?? 'other'
}

function Route({ operation }: { readonly operation: Operation }) {
  const [open, setOpen] = useState(false)
  const { method, path, summary } = operation
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <b data-method={method}>{method.toUpperCase()}</b> <code>{path}</code> <span class="quiet">{summary}</span>
      </summary>
      {open &&
        partsOf(operation).map(([title, schema]) => (
          <div key={title} class="stack">
            <h3>{title}</h3>
            <JsonView value={schema} label={`${title} of ${path}`} />
          </div>
        ))}
    </details>
  )
}

function partsOf({ parameters = [], requestBody, responses = {} }: Operation): (readonly [string, unknown])[] {
  const inPath = parameters.map(({ name, in: place, required, schema }) => ({ name, in: place, required, ...schema }))
  const answers = Object.entries(responses).map(([status, { content = {} }]): [string, unknown] => [
    `Answer ${status}`,
    Object.values(content)[0]?.schema,
  ])
  const all: (readonly [string, unknown])[] = [
    ['Parameters', inPath.length > 0 ? inPath : undefined],
    ['Body', Object.values(requestBody?.content ?? {})[0]?.schema],
    ...answers,
  ]
  return all.filter(([, schema]) => schema !== undefined)
}
