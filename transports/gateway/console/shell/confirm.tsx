import { signal } from '@preact/signals'
import { Dialog } from './dialog.tsx'

export interface Question {
  readonly title: string
  /** What happens, and whether it can be undone. */
  readonly text: string
  /** What the button says: a verb, never "OK". */
  readonly action: string
  readonly danger?: boolean
}

const asked = signal<(Question & { answer(yes: boolean): void }) | undefined>(undefined)

/** Resolves with whether the person wants it. Asked before what cannot be undone, and only then. */
export function confirm(question: Question): Promise<boolean> {
  return new Promise((resolve) => {
    asked.value = {
      ...question,
      answer(yes) {
        asked.value = undefined
        resolve(yes)
      },
    }
  })
}

export function Confirm() {
  const question = asked.value
  if (!question) return null
  return (
    <Dialog label={question.title} onClose={() => question.answer(false)}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          question.answer(true)
        }}
      >
        <h2>{question.title}</h2>
        <p>{question.text}</p>
        <div class="row end">
          <button type="button" onClick={() => question.answer(false)}>
            Cancel
          </button>
          <button type="submit" class={question.danger ? 'danger' : 'primary'}>
            {question.action}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
