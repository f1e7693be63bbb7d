import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

interface DialogProps {
  readonly label: string
  readonly class?: string
  onClose(): void
  readonly children: ComponentChildren
}

/** A modal dialog while it is rendered: the browser keeps the focus inside, Esc and a click beside it close it. */
export function Dialog({ label, class: name = '', onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const before = document.activeElement
    element.current?.showModal()
    return () => {
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={element}
      class={`dialog ${name}`}
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onKeyDown={(event) => event.key !== 'Escape' && event.stopPropagation()}
      onClick={(event) => event.target === element.current && onClose()}
    >
      {children}
    </dialog>
  )
}
