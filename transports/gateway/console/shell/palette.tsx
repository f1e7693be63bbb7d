import { signal } from '@preact/signals'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { SessionPage } from '../api/answers.ts'
import { get } from '../api/call.ts'
import { useAnswer } from '../api/use-answer.ts'
import { Dialog } from './dialog.tsx'
import { registered } from './keys.ts'
import { go } from './router.ts'

export const paletteShown = signal(false)

interface Offer {
  readonly id: string
  readonly words: string
  readonly kind: string
  readonly keys?: string | undefined
  run(): unknown
}

const MOST = 30

/** Every command and every session, by a few letters of it. */
export function Palette() {
  return paletteShown.value ? <OpenPalette /> : null
}

function OpenPalette() {
  const [text, setText] = useState('')
  const [chosen, setChosen] = useState(0)
  const field = useRef<HTMLInputElement>(null)
  const list = useRef<HTMLDivElement>(null)
  const close = () => {
    paletteShown.value = false
  }
  const { answer } = useAnswer(
    (signal) => get<SessionPage>(`/v1/sessions?${new URLSearchParams({ limit: '8', search: text.trim() })}`, signal),
    [text.trim()],
  )
  const commands = useMemo(commandOffers, [])
  const offers = [...commands.filter(({ words }) => fits(words, text)), ...sessionOffers(answer)].slice(0, MOST)
  const current = Math.min(chosen, offers.length - 1)
  useEffect(() => field.current?.focus(), [])
  useEffect(() => {
    list.current?.children[current]?.scrollIntoView({ block: 'nearest' })
  }, [current])

  function run(offer: Offer | undefined) {
    if (!offer) return
    close()
    // After the dialog has given the focus back.
    requestAnimationFrame(() => offer.run())
  }

  return (
    <Dialog label="Find anything" class="palette" onClose={close}>
      <input
        ref={field}
        type="text"
        role="combobox"
        aria-label="Find a view, a command or a session"
        aria-expanded="true"
        aria-controls="palette-offers"
        aria-activedescendant={offers[current] && `palette-${current}`}
        placeholder="Find a view, a command, a session"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value)
          setChosen(0)
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') setChosen(Math.min(current + 1, offers.length - 1))
          else if (event.key === 'ArrowUp') setChosen(Math.max(current - 1, 0))
          else if (event.key === 'Enter') run(offers[current])
          else return
          event.preventDefault()
        }}
      />
      <div ref={list} id="palette-offers" role="listbox" aria-label="Found">
        {offers.map((offer, index) => (
          <div
            key={offer.id}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === current}
            onClick={() => run(offer)}
          >
            <span>{offer.words}</span>
            <span class="quiet">{offer.kind}</span>
            {offer.keys && <kbd>{offer.keys}</kbd>}
          </div>
        ))}
      </div>
      {offers.length === 0 && <p class="quiet palette-none">Nothing is called that.</p>}
    </Dialog>
  )
}

/** Newest first: what the view at hand can do stands before what is always there. */
function commandOffers(): Offer[] {
  return [...registered.value]
    .reverse()
    .flatMap(({ where, bindings }) =>
      bindings
        .filter(({ command }) => command)
        .map(({ keys, does, run }) => ({ id: `${where}/${does}`, words: does, kind: where, keys, run })),
    )
}

function sessionOffers(page: SessionPage | undefined): Offer[] {
  return (page?.sessions ?? []).map(({ session_id, title, state }) => ({
    id: session_id,
    words: title ?? session_id,
    kind: `session, ${state}`,
    run: () => go('chat', [session_id]),
  }))
}

/** All letters, in their order. */
function fits(words: string, text: string): boolean {
  let from = 0
  const low = words.toLowerCase()
  return [...text.trim().toLowerCase()].every((letter) => {
    const at = low.indexOf(letter, from)
    from = at + 1
    return at >= 0
  })
}
