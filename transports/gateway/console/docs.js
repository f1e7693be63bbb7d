import { byId, element } from './dom.js'

/** Reads /openapi.json and lays it out: routes by tag, with what they take and answer. */

const openapi = await (await fetch('/openapi.json')).json()
byId('about').textContent = `${openapi.info.description} Version ${openapi.info.version}.`

const operations = Object.entries(openapi.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
)

function render(filter) {
  const shown = operations.filter(({ path, method, summary = '' }) =>
    `${method} ${path} ${summary}`.toLowerCase().includes(filter),
  )
  const tags = [...new Set(shown.map(({ tags = ['other'] }) => tags[0]))]
  byId('routes').replaceChildren(
    ...tags.flatMap((tag) => [
      element('h2', {}, tag),
      ...shown.filter(({ tags = ['other'] }) => tags[0] === tag).map(route),
    ]),
  )
}

function route(operation) {
  const made = element(
    'details',
    {},
    element(
      'summary',
      {},
      element('b', {}, operation.method),
      element('code', {}, operation.path),
      element('span', { className: 'quiet' }, operation.summary ?? ''),
    ),
  )
  made.addEventListener('toggle', () => made.append(...parts(operation)), { once: true })
  return made
}

function parts({ parameters = [], requestBody, responses = {} }) {
  const inPath = parameters.map(({ name, in: place, required, schema }) => ({ name, in: place, required, ...schema }))
  const answers = Object.entries(responses).map(([status, { content = {} }]) => [
    `Answer ${status}`,
    Object.values(content)[0]?.schema,
  ])
  return [
    ['Parameters', inPath.length > 0 ? inPath : undefined],
    ['Body', Object.values(requestBody?.content ?? {})[0]?.schema],
    ...answers,
  ]
    .filter(([, schema]) => schema !== undefined)
    .map(([title, schema]) =>
      element(
        'div',
        { className: 'part' },
        element('h3', {}, title),
        element('pre', {}, JSON.stringify(schema, null, 2)),
      ),
    )
}

byId('filter').addEventListener('input', ({ target }) => render(target.value.trim().toLowerCase()))
render('')
