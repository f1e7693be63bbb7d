import { post } from '../api/call.ts'
import { duration } from '../parts/relative-time.tsx'
import { href } from '../shell/router.ts'
import { attempt } from '../shell/toasts.tsx'
import { AnswerText } from './answer-text.tsx'
import type { AnswerItem, AsideItem, EndItem, Item, UserItem } from './conversation.ts'
import { memo } from './memo.ts'
import { money, ToolCall } from './tool-call.tsx'

/** One item of a conversation; drawn again only when it is another. */
export const Message = memo(function Message({ item, sessionId }: { item: Item; sessionId: string }) {
  switch (item.kind) {
    case 'user':
      return <UserMessage item={item} sessionId={sessionId} />
    case 'answer':
      return <Answer item={item} />
    case 'tool':
      return <ToolCall item={item} />
    case 'aside':
      return <Aside item={item} />
    case 'end':
      return <End item={item} />
  }
})

function UserMessage({ item, sessionId }: { item: UserItem; sessionId: string }) {
  const cancel = () => attempt(() => post(`/v1/sessions/${sessionId}/stop`, { turn_id: item.turnId }))
  return (
    <div class={`message user ${item.waiting ? 'waiting' : ''}`}>
      {item.intervenes && <span class="message-tag">intervened</span>}
      <span class="message-text">{item.text}</span>
      {item.attachments.length > 0 && (
        <ul class="attached" aria-label="Attachments">
          {item.attachments.map((path) => (
            <li key={path}>{path.split('/').at(-1)}</li>
          ))}
        </ul>
      )}
      {item.waiting && (
        <span class="message-tag">
          waiting{' '}
          <button type="button" class="link" onClick={cancel}>
            cancel
          </button>
        </span>
      )}
    </div>
  )
}

function Answer({ item: { text, streaming } }: { item: AnswerItem }) {
  return (
    <div class={`message assistant ${streaming ? 'streaming' : ''}`}>
      <AnswerText text={text} streaming={streaming} />
    </div>
  )
}

function Aside({ item: { text, tone, code, session } }: { item: AsideItem }) {
  return (
    <p class="aside" data-tone={tone}>
      {code && <code>{code}</code>} {text} {session && <a href={href('chat', [session])}>Open it</a>}
    </p>
  )
}

function End({ item: { ms, steps, model, usage } }: { item: EndItem }) {
  const tokens = usage ? usage.prompt_tokens + usage.completion_tokens : 0
  const words = [
    ms === undefined ? undefined : duration(ms),
    steps > 1 ? `${steps} steps` : undefined,
    `${tokens} tokens`,
    usage && money(usage.cost_usd),
    model,
  ]
  return <p class="turn-end">{words.filter(Boolean).join(' · ')}</p>
}
