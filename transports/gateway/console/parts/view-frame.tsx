import type { ComponentChildren } from 'preact'
import { drawerOpen } from '../shell/drawer.ts'
import { Icon } from './icon.tsx'

interface ViewFrameProps {
  readonly title: ComponentChildren
  /** Beside the title: the state in a few words. */
  readonly about?: ComponentChildren
  /** At the end of the bar: what can be done here. */
  readonly actions?: ComponentChildren
  readonly children: ComponentChildren
}

/** What every view has: one bar with its name, its state and its actions, and the rest of the height for its own. */
export function ViewFrame({ title, about, actions, children }: ViewFrameProps) {
  return (
    <section class="view">
      <header class="bar">
        <button
          type="button"
          class="ghost icon drawer-button"
          aria-label="Open the navigation"
          onClick={() => {
            drawerOpen.value = true
          }}
        >
          <Icon name="menu" />
        </button>
        <h1>{title}</h1>
        {about && <div class="bar-about">{about}</div>}
        <div class="bar-actions">{actions}</div>
      </header>
      <div class="view-body">{children}</div>
    </section>
  )
}
