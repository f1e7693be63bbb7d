/** Line icons on a grid of 16, drawn for this console; they repeat what the words beside them say. */
const paths = {
  chat: 'M2.5 3.5h11v7.5H7l-3 2.5V11H2.5z',
  sessions: 'M2.5 4h11M2.5 8h11M2.5 12h7',
  journal: 'M4 2.5v11M4 4.5h2M4 8h2M4 11.5h2M8.5 4.5h5M8.5 8h3.5M8.5 11.5h5',
  tree: 'M8 5.5V8M3.5 10.5V8h9v2.5M6 2.5h4v3H6zM2 10.5h3v3H2zM11 10.5h3v3h-3z',
  cluster: 'M8 2.5 13 5.3v5.4L8 13.5 3 10.7V5.3zM8 8l5-2.7M8 8 3 5.3M8 8v5.5',
  drill: 'M8 2 3 9h4l-1 5 6-8H8z',
  letter: 'M2.5 4h11v8h-11zM2.5 4.5 8 9l5.5-4.5',
  quarantine: 'M8 2.2 14 13H2zM8 6.5v3M8 11v.5',
  memory: 'M4.5 2.5h7v11h-7zM2.5 5.5h2M2.5 10.5h2M11.5 5.5h2M11.5 10.5h2M7 6h2M7 10h2',
  chart: 'M2.5 2.5v11h11M5 10.5l3-4 2 2 3-4.5',
  api: 'M5.5 4.5 2 8l3.5 3.5M10.5 4.5 14 8l-3.5 3.5',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.5l3 3',
  plus: 'M8 3v10M3 8h10',
  close: 'M4 4l8 8M12 4l-8 8',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  clip: 'M12.5 7.5 7.7 12.3a2.8 2.8 0 0 1-4-4L8.8 3.2a1.9 1.9 0 0 1 2.7 2.7L6.6 10.8a.9.9 0 0 1-1.3-1.3l4.3-4.3',
  stop: 'M4.5 4.5h7v7h-7z',
  send: 'M8 13V3.5M4 7.3 8 3.3l4 4',
  step: 'M4 3.5 10 8l-6 4.5zM12.5 3.5v9',
  chevron: 'M6 3.5 10.5 8 6 12.5',
  tool: 'M9.5 6.5 3 13M9.5 6.5a3 3 0 0 0 3.8-3.8L11.5 4.5 10 3l1.8-1.8',
  sun: 'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM8 1.5v1.6M8 12.9v1.6M1.5 8h1.6M12.9 8h1.6M3.4 3.4l1.1 1.1M11.5 11.5l1.1 1.1M12.6 3.4l-1.1 1.1M4.5 11.5l-1.1 1.1',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  link: 'M6.5 9.5l3-3M7.5 4.5l1.2-1.2a2.8 2.8 0 0 1 4 4L11.5 8.5M8.5 11.5l-1.2 1.2a2.8 2.8 0 0 1-4-4L4.5 7.5',
  refresh: 'M13 8a5 5 0 1 1-1.6-3.7M13 2.5v2.6h-2.6',
} as const

export type IconName = keyof typeof paths

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="glyph" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  )
}
