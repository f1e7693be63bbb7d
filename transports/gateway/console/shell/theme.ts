import { effect, signal } from '@preact/signals'

export type Theme = 'system' | 'light' | 'dark'

const NAME = 'soma-theme'
const dark = matchMedia('(prefers-color-scheme: dark)')

export const theme = signal<Theme>((localStorage.getItem(NAME) as Theme | null) ?? 'system')
/** What is seen: for what is drawn on a canvas, whose colours no stylesheet reaches. */
export const shownTheme = signal<'light' | 'dark'>('light')

function show() {
  shownTheme.value = theme.value === 'system' ? (dark.matches ? 'dark' : 'light') : theme.value
  document.documentElement.dataset.theme = shownTheme.value
}

dark.addEventListener('change', show)
effect(() => {
  if (theme.value === 'system') localStorage.removeItem(NAME)
  else localStorage.setItem(NAME, theme.value)
  show()
})

export function nextTheme(): void {
  theme.value = { system: 'light', light: 'dark', dark: 'system' }[theme.value] as Theme
}
