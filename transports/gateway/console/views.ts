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
    name: 'supervision',
    title: 'Supervision',
    icon: 'tree',
    key: 't',
    group: 'Operate',
    load: () => import('./operate/tree-view.tsx'),
  },
  {
    name: 'cluster',
    title: 'Cluster',
    icon: 'cluster',
    key: 'n',
    group: 'Operate',
    load: () => import('./operate/cluster-view.tsx'),
  },
  {
    name: 'levels',
    title: 'Service levels',
    icon: 'chart',
    key: 'l',
    group: 'Operate',
    load: () => import('./operate/levels-view.tsx'),
  },
  {
    name: 'drills',
    title: 'Drills',
    icon: 'drill',
    key: 'd',
    group: 'Operate',
    load: () => import('./operate/drills-view.tsx'),
  },
  {
    name: 'dead-letters',
    title: 'Dead letters',
    icon: 'letter',
    key: 'x',
    group: 'Operate',
    load: () => import('./operate/dead-letters-view.tsx'),
  },
  {
    name: 'quarantine',
    title: 'Quarantine',
    icon: 'quarantine',
    key: 'q',
    group: 'Operate',
    load: () => import('./operate/quarantine-view.tsx'),
  },
  {
    name: 'memory',
    title: 'Memory',
    icon: 'memory',
    key: 'm',
    group: 'Operate',
    load: () => import('./memory/memory-view.tsx'),
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
