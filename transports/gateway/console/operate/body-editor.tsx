import { useState } from 'preact/hooks'
import { laidOut } from '../parts/json-view.tsx'

interface BodyEditorProps {
  readonly label: string
  readonly value: unknown
  /** `edited`: what it says now, when that is another than before. `broken`: it is no JSON. */
  onChange(now: { readonly edited?: { readonly body: unknown }; readonly broken: boolean }): void
}

/** A message as JSON that can be mended. What is no JSON is said while it is typed, and cannot be sent. */
export function BodyEditor({ label, value, onChange }: BodyEditorProps) {
  const [text, setText] = useState(() => laidOut(value))
  const [broken, setBroken] = useState<string>()
  const read = (now: string) => {
    setText(now)
    try {
      const body: unknown = JSON.parse(now)
      setBroken(undefined)
      onChange(JSON.stringify(body) === JSON.stringify(value) ? { broken: false } : { broken: false, edited: { body } })
    } catch (error) {
      setBroken((error as Error).message)
      onChange({ broken: true })
    }
  }
  return (
    <label class="stack">
      {label}
      <textarea
        class="body-editor"
        rows={Math.min(18, text.split('\n').length + 1)}
        spellcheck={false}
        value={text}
        aria-invalid={broken !== undefined}
        onInput={(event) => read(event.currentTarget.value)}
      />
      {broken && <span role="status">{broken}</span>}
    </label>
  )
}
