import { useState } from 'preact/hooks'

export interface PendingStep {
  readonly hold: number
  readonly before: 'model' | 'call'
  readonly messages: readonly { readonly position: number; readonly message: { role: string; content: string } }[]
  readonly calls: readonly { readonly call_id: string; readonly tool: string; readonly arguments: string }[]
}

type Edit = { position: number; content: string } | { call_id: string; arguments: unknown }

interface PendingProps {
  readonly pending: PendingStep
  onSave(edit: Edit): Promise<void>
}

/** What step mode holds: the messages the model is about to get, or the calls about to run. Each may be edited. */
export function Pending({ pending: { messages, calls }, onSave }: PendingProps) {
  return (
    <div class="stack">
      {messages.map(({ position, message: { role, content } }) => (
        <Editable
          key={position}
          name={role}
          text={content}
          onSave={async (text) => onSave({ position, content: text })}
        />
      ))}
      {calls.map(({ call_id, tool, arguments: args }) => (
        <Editable
          key={call_id}
          name={tool}
          text={args}
          onSave={async (text) => onSave({ call_id, arguments: JSON.parse(text) })}
        />
      ))}
    </div>
  )
}

interface EditableProps {
  readonly name: string
  readonly text: string
  onSave(text: string): Promise<void>
}

function Editable({ name, text, onSave }: EditableProps) {
  const [edited, setEdited] = useState(text)
  const [wrong, setWrong] = useState<string>()
  return (
    <div class="stack pending">
      <h3>{name}</h3>
      <textarea
        aria-label={`Pending: ${name}`}
        rows={Math.min(6, edited.split('\n').length + 1)}
        value={edited}
        onInput={(event) => setEdited(event.currentTarget.value)}
      />
      {wrong && (
        <p role="alert" data-tone="bad" class="wrong">
          {wrong}
        </p>
      )}
      <div class="row end">
        <button
          type="button"
          disabled={edited === text}
          onClick={() => {
            setWrong(undefined)
            onSave(edited).catch((error: Error) => setWrong(`These arguments are not JSON: ${error.message}`))
          }}
        >
          Save the edit
        </button>
      </div>
    </div>
  )
}
