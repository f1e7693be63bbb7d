import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

/**
 * Keys and commands of the console, as whatever is on the screen registers them.
 *   K1. The newest binding of a key wins: a view's before the shell's, a dialog's before a view's.
 *   K2. Who types is not disturbed: plain keys mean text in a field, unless the binding says `always`.
 *   K3. Everything a key does is listed (the `?` dialog), and everything listed under `command` is in the palette too.
 */
export interface Binding {
  /** `j`, `?`, `Escape`, `Alt+n`, `Mod+k` (Ctrl or ⌘), or two keys one after the other: `g c`. */
  readonly keys?: string
  readonly does: string
  /** In the palette too. */
  readonly command?: boolean
  readonly always?: boolean
  /** Returns false for "not mine now": the next binding of the key is asked. */
  run(): unknown
}

interface Registered {
  readonly where: string
  readonly bindings: readonly Binding[]
}

export const registered = signal<readonly Registered[]>([])

/** `bindings` may be made anew on every render: what is run is always the newest. */
export function useKeys(where: string, bindings: readonly Binding[]): void {
  const newest = useRef(bindings)
  newest.current = bindings
  const names = bindings.map(({ keys, does }) => `${keys}=${does}`).join()
  // what they are called decides, not the closures.
  useEffect(() => {
    const mine: Registered = {
      where,
      bindings: newest.current.map((binding, at) => ({ ...binding, run: () => newest.current[at]?.run() })),
    }
    registered.value = [...registered.value, mine]
    return () => {
      registered.value = registered.value.filter((other) => other !== mine)
    }
  }, [where, names])
}

const CHORD_MS = 1_200
let first = ''
let forget: ReturnType<typeof setTimeout> | undefined

document.addEventListener('keydown', (event) => {
  if (event.isComposing || event.defaultPrevented) return
  const typing = isTyping(event.target)
  const key = nameOf(event)
  const chord = first === '' ? undefined : `${first} ${key}`
  first = ''
  clearTimeout(forget)
  for (const wanted of chord ? [chord, key] : [key]) {
    for (const { bindings } of [...registered.value].reverse()) {
      for (const binding of bindings) {
        if (binding.keys !== wanted || (typing && !binding.always)) continue // K2
        if (binding.run() === false) continue
        event.preventDefault()
        return
      }
    }
  }
  const opens = registered.value.some(({ bindings }) => bindings.some(({ keys }) => keys?.startsWith(`${key} `)))
  if (!opens || typing) return
  first = key
  forget = setTimeout(() => {
    first = ''
  }, CHORD_MS)
})

function nameOf({ key, code, ctrlKey, metaKey, altKey }: KeyboardEvent): string {
  // With Alt some layouts make another character of it.
  const plain = altKey && code.startsWith('Key') ? code.slice(3).toLowerCase() : key.length === 1 ? key : key
  return `${ctrlKey || metaKey ? 'Mod+' : ''}${altKey ? 'Alt+' : ''}${plain}`
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}
