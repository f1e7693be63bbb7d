import { useEffect, useRef, useState } from 'preact/hooks'
import type { Accepted } from '../api/answers.ts'
import { post } from '../api/call.ts'
import { NoAnswerError } from '../api/problem.ts'
import { uniqueKey } from '../browser.ts'
import { Icon } from '../parts/icon.tsx'
import { useKeys } from '../shell/keys.ts'
import { sizeWords } from './attachments.ts'
import { useAttachments } from './use-attachments.ts'

interface ComposerProps {
  readonly sessionId: string | undefined
  /** What a first message is to begin with. */
  readonly personaId: string | undefined
  /** A turn runs or waits. */
  readonly busy: boolean
  onSent(answer: Accepted): void
  onError(error: Error): void
  onStop(): void
}

/**
 * Where one writes.
 *   W1. What was typed is given back when it was not taken; tried again it is the same request, for it may have arrived.
 *   W2. While a session is being begun nothing more is sent: a second message is meant for that same session.
 */
export function Composer({ sessionId, personaId, busy, onSent, onError, onStop }: ComposerProps) {
  const [text, setText] = useState('')
  const [over, setOver] = useState(false)
  const box = useRef<HTMLTextAreaElement>(null)
  const picker = useRef<HTMLInputElement>(null)
  const unanswered = useRef<{ request: string; key: string } | undefined>(undefined)
  const beginning = useRef(false)
  const attached = useAttachments(sessionId)
  const { files, uploading } = attached
  useEffect(() => box.current?.focus(), [sessionId])
  useKeys('Writing', [
    { keys: 'Escape', does: 'Stop the turn', always: true, run: () => (busy ? onStop() : false) },
    { keys: 'i', does: 'Write', run: () => box.current?.focus() },
    { does: 'Attach a file', command: true, run: () => picker.current?.click() },
  ])

  async function send(work: (key: string) => Promise<Accepted>, request: string) {
    const sent = text
    // The same message tried again is the same request: it may have arrived, and only its answer been lost.
    if (unanswered.current?.request !== request) unanswered.current = { request, key: uniqueKey() }
    const { key } = unanswered.current
    beginning.current = sessionId === undefined
    setText('')
    try {
      const answer = await work(key)
      unanswered.current = undefined
      attached.clear()
      onSent(answer)
    } catch (error) {
      setText((now) => (now === '' ? sent : now)) // W1
      if (error instanceof NoAnswerError) error.message += ' Your message is kept: press Enter when it is back.'
      onError(error as Error)
    } finally {
      beginning.current = false
    }
  }

  function message() {
    if (text.trim() === '' || uploading || beginning.current) return // W2
    const body = {
      session_id: sessionId ?? attached.newSession,
      message: text.trim(),
      persona_id: personaId,
      ...(attached.paths.length > 0 && { attachments: attached.paths }),
    }
    void send((key) => post<Accepted>('/v1/session/message', body, key), JSON.stringify(body))
  }

  function intervene() {
    if (text.trim() === '' || sessionId === undefined) return
    const body = { text: text.trim() }
    const path = `/v1/sessions/${sessionId}/intervene`
    void send((key) => post<Accepted>(path, body, key), `${path} ${body.text}`)
  }

  return (
    <form
      class="composer"
      data-over={over}
      onSubmit={(event) => {
        event.preventDefault()
        message()
      }}
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setOver(false)
        attached.add(event.dataTransfer?.files ?? [])
      }}
    >
      {files.length > 0 && (
        <ul class="files" aria-label="Attachments">
          {files.map(({ key, name, size, state, reason }) => (
            <li key={key} data-state={state}>
              <Icon name="clip" /> <span class="cut">{name}</span>
              <span class="quiet">{state === 'ready' ? sizeWords(size) : (reason ?? 'uploading…')}</span>
              <button
                type="button"
                class="ghost icon"
                aria-label={`Remove ${name}`}
                onClick={() => attached.remove(key)}
              >
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <textarea
        ref={box}
        id="text"
        aria-label="Message"
        placeholder={busy ? 'Write: Enter queues it, Ctrl+Enter intervenes' : 'Write a message'}
        rows={Math.min(8, text.split('\n').length)}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onPaste={(event) => {
          const pasted = event.clipboardData?.files
          if (!pasted?.length) return
          event.preventDefault()
          attached.add(pasted)
        }}
        onKeyDown={(event) => {
          // While an input method composes, Enter takes its proposal and sends nothing.
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
          event.preventDefault()
          if ((event.ctrlKey || event.metaKey) && busy) intervene()
          else message()
        }}
      />
      <div class="composer-bar">
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          onChange={(event) => {
            attached.add(event.currentTarget.files ?? [])
            event.currentTarget.value = ''
          }}
        />
        <button
          type="button"
          class="ghost icon"
          aria-label="Attach a file"
          title="Attach a file (or drop it, or paste it)"
          onClick={() => picker.current?.click()}
        >
          <Icon name="clip" />
        </button>
        <span class="quiet composer-hint">Enter sends, Shift+Enter breaks the line</span>
        {busy && (
          <>
            <button type="button" title="Interrupt the turn with these words (Ctrl+Enter)" onClick={intervene}>
              Intervene
            </button>
            <button type="button" id="stop" class="danger" title="Stop the turn (Esc)" onClick={onStop}>
              <Icon name="stop" /> Stop
            </button>
          </>
        )}
        <button type="submit" id="send" class="primary" disabled={text.trim() === '' || uploading}>
          <Icon name="send" /> {busy ? 'Queue' : 'Send'}
        </button>
      </div>
    </form>
  )
}
