import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Blank, Loading } from '../parts/blank.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { type ViewProps, views } from '../views.ts'
import { Confirm } from './confirm.tsx'
import { drawerOpen } from './drawer.ts'
import { KeyHelp, keyHelpShown } from './key-help.tsx'
import { useKeys } from './keys.ts'
import { Navigation } from './navigation.tsx'
import { Palette, paletteShown } from './palette.tsx'
import { go, place } from './router.ts'
import { SignIn } from './sign-in.tsx'
import { nextTheme } from './theme.ts'
import { Toasts } from './toasts.tsx'

export function Shell() {
  const { view: name, args, query } = place.value
  useKeys('Everywhere', [
    { keys: 'Mod+k', does: 'Find anything', always: true, run: () => (paletteShown.value = true) },
    { keys: '?', does: 'Show the keys', command: true, run: () => (keyHelpShown.value = true) },
    { keys: 'Alt+n', does: 'New session', command: true, always: true, run: () => go('chat') },
    { does: 'Switch theme: system, light, dark', command: true, run: nextTheme },
    ...views.map(({ key, title, name: to }) => ({
      keys: `g ${key}`,
      does: `Go to ${title}`,
      command: true,
      run: () => go(to),
    })),
  ])
  useKeys('Navigation', [
    {
      ...{ keys: 'Escape', does: 'Close the navigation', always: true },
      run: () => (drawerOpen.value ? closeDrawer() : false),
    },
  ])
  return (
    <div class="shell" data-drawer={drawerOpen.value}>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the view
      </button>
      <Navigation current={name} />
      {drawerOpen.value && (
        <button type="button" class="backdrop" aria-label="Close the navigation" onClick={closeDrawer} />
      )}
      <main id="main" tabIndex={-1}>
        <Shown name={name} args={args} query={query} />
      </main>
      <Palette />
      <KeyHelp />
      <Confirm />
      <SignIn />
      <Toasts />
    </div>
  )
}

function closeDrawer() {
  drawerOpen.value = false
}

/** The view's code is fetched once; meanwhile the frame stays where it is. */
function Shown({ name, args, query }: ViewProps & { readonly name: string }) {
  const [loaded, setLoaded] = useState<{ name: string; Body: ComponentType<ViewProps> }>()
  const [error, setError] = useState<Error>()
  const view = views.find((one) => one.name === name)
  useEffect(() => {
    drawerOpen.value = false
    if (!view) return
    let wanted = true
    document.title = `${view.title} · SomaAgent`
    setError(undefined)
    view.load().then(
      ({ default: Body }) => wanted && setLoaded({ name: view.name, Body }),
      (failed: Error) => wanted && setError(failed),
    )
    return () => {
      wanted = false
    }
  }, [view])
  if (!view) return <Blank title="There is no such view">The navigation lists those there are.</Blank>
  if (error) return <ProblemNote error={error} retry={() => location.reload()} />
  if (loaded?.name !== name) return <Loading />
  return <loaded.Body args={args} query={query} />
}
