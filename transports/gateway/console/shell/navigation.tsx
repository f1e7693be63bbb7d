import { Icon } from '../parts/icon.tsx'
import { type View, views } from '../views.ts'
import { HealthLight } from './health-light.tsx'
import { keyHelpShown } from './key-help.tsx'
import { paletteShown } from './palette.tsx'
import { href } from './router.ts'
import { nextTheme, theme } from './theme.ts'

const groups = ['Work', 'Operate', 'Reference'] as const

export function Navigation({ current }: { readonly current: string }) {
  return (
    <nav class="navigation" aria-label="Views">
      <a class="brand" href={href('chat')}>
        <Mark /> SomaAgent
      </a>
      <button type="button" class="find" onClick={() => (paletteShown.value = true)}>
        <Icon name="search" /> <span>Find</span> <kbd>Ctrl K</kbd>
      </button>
      {groups.map((group) => (
        <Group key={group} name={group} entries={views.filter((view) => view.group === group)} current={current} />
      ))}
      <div class="navigation-foot">
        <HealthLight />
        <button type="button" class="ghost" onClick={nextTheme} title="Switch between system, light and dark">
          <Icon name="sun" /> <span>Theme: {theme.value}</span>
        </button>
        <button type="button" class="ghost" onClick={() => (keyHelpShown.value = true)}>
          <kbd>?</kbd> <span>Keys</span>
        </button>
      </div>
    </nav>
  )
}

/** As public/icon.svg draws it. */
function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
      <rect width="32" height="32" rx="8" class="mark-ground" />
      <path d="M16 12 9 21M16 12l7 9" class="mark-line" />
      <circle cx="16" cy="10" r="4" class="mark-dot" />
      <circle cx="9" cy="22" r="3.2" class="mark-dot" />
      <circle cx="23" cy="22" r="3.2" class="mark-dot" />
    </svg>
  )
}

function Group({ name, entries, current }: { name: string; entries: readonly View[]; current: string }) {
  if (entries.length === 0) return null
  return (
    <div class="navigation-group">
      <p id={`group-${name}`}>{name}</p>
      <ul aria-labelledby={`group-${name}`}>
        {entries.map((view) => (
          <li key={view.name}>
            <a
              href={href(view.name)}
              aria-current={view.name === current ? 'page' : undefined}
              title={`${view.title} (g ${view.key})`}
            >
              <Icon name={view.icon} /> <span>{view.title}</span>
            </a>
          </li>
        ))}
      </ul>
    </div>
  )
}
