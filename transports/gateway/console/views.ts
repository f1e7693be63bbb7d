import type { ComponentType } from 'preact'
import type { IconName } from './parts/icon.tsx'

/** What a view gets: the rest of its address, and what follows the question mark. */
export interface ViewProps {
  readonly args: readonly string[]
  readonly query: Readonly<Record<string, string>>
}

export interface View {
  /** Its address is `#/name`. */
  readonly name: string
  readonly title: string
  readonly icon: IconName
  /** Goes there after `g`. */
  readonly key: string
  readonly group: 'Work' | 'Operate' | 'Reference'
  /** Its code comes when it is first opened. */
  load(): Promise<{ readonly default: ComponentType<ViewProps> }>
}

/** Every view of the console, in the order of the navigation. A new one is a file and an entry (docs/CONSOLE.md). */
export const views: readonly View[] = [
  { name: 'chat', title: 'Chat', icon: 'chat', key: 'c', group: 'Work', load: () => import('./chat/chat-view.tsx') },
  {
    name: 'sessions',
    title: 'Sessions',
    icon: 'sessions',
    key: 's',
    group: 'Work',
    load: () => import('./sessions/sessions-view.tsx'),
  },
  {
    name: 'journal',
    title: 'Journal',
    icon: 'journal',
    key: 'j',
    group: 'Work',
    load: () => import('./journal/journal-view.tsx'),
  },
  {
    name: 'api',
    title: 'API',
    icon: 'api',
    key: 'a',
    group: 'Reference',
    load: () => import('./reference/api-view.tsx'),
  },
]
