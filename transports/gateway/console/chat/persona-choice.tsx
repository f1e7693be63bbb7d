import { useState } from 'preact/hooks'
import { get, post } from '../api/call.ts'
import { useAnswer } from '../api/use-answer.ts'
import { attempt } from '../shell/toasts.tsx'

interface Personas {
  readonly default: string
  readonly personas: readonly { readonly id: string; readonly name: string }[]
}

interface PersonaChoiceProps {
  readonly sessionId: string | undefined
  /** What the session's journal says; wins over what was chosen, so that a refused switch is not shown as done. */
  readonly current: string
  /** Before a session: what it shall begin with. */
  readonly wanted: string | undefined
  onWanted(personaId: string): void
}

export function PersonaChoice({ sessionId, current, wanted, onWanted }: PersonaChoiceProps) {
  const { answer } = useAnswer((signal) => get<Personas>('/v1/personas', signal), [])
  const [asked, setAsked] = useState(0)
  const known = answer?.personas ?? []
  const value = sessionId ? current : (wanted ?? answer?.default ?? '')
  return (
    <label class="row persona-choice">
      <span class="quiet">Persona</span>
      <select
        // A refused switch is drawn anew, for the browser has shown it as chosen already.
        key={asked}
        id="persona"
        aria-label="Persona"
        value={value}
        onChange={(event) => {
          const chosen = event.currentTarget.value
          if (!sessionId) return onWanted(chosen)
          void attempt(() => post(`/v1/sessions/${sessionId}/persona`, { persona_id: chosen })).then(
            (well) => well || setAsked((count) => count + 1),
          )
        }}
      >
        {known.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
        {/* A session may outlive the file of its persona. */}
        {value !== '' && !known.some(({ id }) => id === value) && <option value={value}>{value}</option>}
      </select>
    </label>
  )
}
