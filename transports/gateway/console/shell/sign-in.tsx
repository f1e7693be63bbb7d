import { useState } from 'preact/hooks'
import { keepToken, tokenWanted } from '../api/token.ts'
import { Dialog } from './dialog.tsx'

export function SignIn() {
  const [text, setText] = useState('')
  const answer = tokenWanted.value
  if (!answer) return null
  return (
    <Dialog label="Sign in" onClose={() => answer(false)}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          keepToken(text.trim())
          setText('')
          answer(text.trim() !== '')
        }}
      >
        <h2>Sign in</h2>
        <p class="quiet">This service wants a bearer token. It is kept for this tab only.</p>
        <input
          id="token"
          type="password"
          autocomplete="off"
          aria-label="Bearer token"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <div class="row end">
          <button type="submit" class="primary">
            Continue
          </button>
        </div>
      </form>
    </Dialog>
  )
}
