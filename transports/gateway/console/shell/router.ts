import { computed, signal } from '@preact/signals'

/**
 * Where the console is: `#/view/argument/argument?name=value`. In the fragment, so that the gateway serves one page and
 * a link works on any host. `/docs` is the old address of the API reference; `#<session>` that of a chat.
 */
export interface Place {
  readonly view: string
  readonly args: readonly string[]
  readonly query: Readonly<Record<string, string>>
}

const fragment = signal(location.hash)
addEventListener('hashchange', () => {
  fragment.value = location.hash
})

export const place = computed<Place>(() => placeOf(fragment.value, location.pathname))

export function placeOf(hash: string, pathname: string): Place {
  const text = hash.slice(1)
  if (text === '') return { view: pathname === '/docs' ? 'api' : 'chat', args: [], query: {} }
  if (!text.startsWith('/')) return { view: 'chat', args: [text], query: {} }
  const [path = '', search = ''] = text.slice(1).split('?', 2)
  const [view = 'chat', ...args] = path.split('/').map(decodeURIComponent)
  return { view, args: args.filter((arg) => arg !== ''), query: Object.fromEntries(new URLSearchParams(search)) }
}

export function href(view: string, args: readonly string[] = [], query: Readonly<Record<string, string>> = {}): string {
  const search = new URLSearchParams(query).toString()
  return `#/${[view, ...args].map(encodeURIComponent).join('/')}${search ? `?${search}` : ''}`
}

export function go(view: string, args: readonly string[] = [], query: Readonly<Record<string, string>> = {}): void {
  location.hash = href(view, args, query)
}

/** The same place under another name: nothing to go back to. */
export function replace(
  view: string,
  args: readonly string[] = [],
  query: Readonly<Record<string, string>> = {},
): void {
  history.replaceState(null, '', href(view, args, query))
  fragment.value = location.hash
}
