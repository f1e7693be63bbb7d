import type { ModelRequest, ModelTool } from './client.ts'
import { exampleArguments } from './example-arguments.ts'
import { type RehearsalCall, type RehearsalStep, spoken } from './rehearsal-acts.ts'
import { lastUserText, sinceLastUser, toolResults, userTexts } from './rehearsal-history.ts'

/**
 * rehearsal/demo: what a newcomer meets when no model is configured. It says what it is in every answer, calls a tool
 * where a model would (at most one round a turn), uses the result, and remembers what the history tells it.
 */
export const NOTICE =
  "(This is SomaAgent's rehearsal model: no real model is configured. Set OPENAI_BASE_URL and SOMA_MODEL to talk to one.)"

const WORD_MS = 15
const MAX_QUOTED = 400

export function demoStep(request: ModelRequest): RehearsalStep {
  const text = lastUserText(request.messages)
  const hasCalled = sinceLastUser(request.messages).some((message) => message.role === 'assistant')
  const calls = hasCalled ? [] : wantedCalls(text, request)
  if (calls.length > 0)
    return [spoken(WORD_MS, `Let me use ${list(calls.map((call) => call.name))}.`), { kind: 'calls', calls }]
  return [spoken(WORD_MS, `${reply(text, request)}\n\n${NOTICE}`)]
}

function wantedCalls(text: string, { tools, messages }: ModelRequest): readonly RehearsalCall[] {
  const url = /https?:\/\/[^\s<>"')\]]+/i.exec(text)?.[0]?.replace(/[.,;:!?]+$/, '')
  const wanted = new Set<string>()
  if (/\b(time|date|clock|today|what day)\b/i.test(text)) wanted.add('timestamp')
  if (url) wanted.add('http_fetch')
  if (/\becho\b|\btools?\b/i.test(text)) wanted.add('echo')
  // "remember that …" keeps it; a question about what is remembered looks for it, in whatever session it was said.
  if (/^\s*(please )?(remember|note)\b/i.test(text)) wanted.add('memory_remember')
  else if (/\b(recall|do you remember|what do you know)\b/i.test(text)) wanted.add('memory_recall')
  for (const tool of tools) if (mentions(text, tool)) wanted.add(tool.name)
  // The very first message shows a tool whatever it says, so that the newcomer sees one at work.
  if (wanted.size === 0 && userTexts(messages).length === 1) wanted.add('echo')
  const said = text.replace(/^\s*(please )?(echo:?|(remember|note):?( that)?)\s+/i, '') || text
  const hints = { text: said, url, attachment: /^\[Attachment: .* id ([\w-]+)\. document_ingest/m.exec(text)?.[1] }
  return tools
    .filter((tool) => wanted.has(tool.name))
    .slice(0, 4)
    .map((tool) => ({ name: tool.name, arguments: exampleArguments(tool.parameters, hints) }))
}

/** `get_weather` or `get weather`: a developer tries a tool of their own by naming it. */
function mentions(text: string, tool: ModelTool): boolean {
  const lower = text.toLowerCase()
  const name = tool.name.toLowerCase()
  return name.length > 3 && (lower.includes(name) || lower.includes(name.replaceAll('_', ' ')))
}

function reply(text: string, { messages }: ModelRequest): string {
  const name = nameOf(userTexts(messages))
  const results = toolResults(messages)
  const greeting = name ? `${name}, ` : ''
  if (results.length > 0) return `${greeting}${results.map(told).join(' ')}`
  const earlier = userTexts(messages).slice(0, -1)
  if (/\b(what('s| is)|do you (know|remember)|tell me) my name\b/i.test(text)) {
    return name ? `Your name is ${name}: you told me so.` : 'You have not told me your name yet.'
  }
  if (/\bsummar|\bstatus|\bnext[ _]steps\b/i.test(text)) return summary(earlier)
  if (/\b(what|which).*\b(said?|asked?|before|first|last|earlier)\b/i.test(text) && earlier.length > 0) {
    return `Before this you said: “${quote(earlier.at(-1) ?? '')}”, and at first: “${quote(earlier[0] ?? '')}”.`
  }
  if (nameOf([text])) return `Nice to meet you, ${nameOf([text])}. I will remember your name in this session.`
  if (/^\s*(hi|hello|hey|good (morning|evening|day))\b/i.test(text)) return `Hello${name ? `, ${name}` : ''}!`
  if (/\b(thanks|thank you)\b/i.test(text)) return `You are welcome${name ? `, ${name}` : ''}.`
  const turn = earlier.length + 1
  return `${greeting}you said: “${quote(text)}”. That is message ${turn} of this session. Ask me for the time, or give me a URL.`
}

function told(result: { readonly name: string; readonly content: string }): string {
  const content = quote(result.content)
  switch (result.name) {
    case 'timestamp':
      return `the timestamp tool says it is ${content}.`
    case 'memory_recall':
      return `in the memory that all sessions share I find this: ${content}`
    case 'memory_remember':
      return `I keep that for every session: ${content}`
    case 'http_fetch':
      return `http_fetch brought this: ${content}`
    default:
      return `the ${result.name} tool answered: ${content}.`
  }
}

function summary(earlier: readonly string[]): string {
  if (earlier.length === 0) return 'Nothing has been said in this session yet.'
  const lines = earlier.slice(-10).map((text) => `- you said: “${quote(text, 100)}”`)
  return `So far, ${earlier.length} message${earlier.length > 1 ? 's' : ''} from you:\n${lines.join('\n')}`
}

/** The last name the user gave. */
function nameOf(texts: readonly string[]): string | undefined {
  for (const text of texts.toReversed()) {
    const match = /\b(?:my name is|call me)\s+(\p{L}[\p{L}'-]*)|\b(?:I am|I'm)\s+(\p{Lu}[\p{L}'-]*)/iu.exec(text)
    const name = match?.[1] ?? (match?.[2] && /^\p{Lu}/u.test(match[2]) ? match[2] : undefined)
    if (name) return name
  }
  return undefined
}

function quote(text: string, limit = MAX_QUOTED): string {
  const line = text.trim().replace(/\s+/g, ' ')
  return line.length > limit ? `${line.slice(0, limit)}…` : line
}

function list(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
