import { signal } from '@preact/signals'

/** On a narrow screen the navigation lies over the view while this is set. */
export const drawerOpen = signal(false)
