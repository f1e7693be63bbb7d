import type { ModelRequest, ModelTool } from './client.ts'
import { type RehearsalAct, type RehearsalCall, type RehearsalStep, say, streamed } from './rehearsal-acts.ts'
import { lastUserText, sinceLastUser, toolResults } from './rehearsal-history.ts'

/**
 * rehearsal/script: the last user message is the script. One directive a line; a line `then` ends a step; one step is
 * one answer of the model. Which step is due is read from the history (answers since that message), so it is the same
 * after a crash.
 *
 *   say TEXT                 the text, in one piece
 *   stream N MS TEXT         the text in N pieces, MS milliseconds apart
 *   wait MS                  nothing for a while
 *   call TOOL {json}         a tool call; several in one step run in parallel (`and call …` is the same)
 *   repeat call TOOL {json}  the same call at this step and at every later one
 *   hang                     nothing until the call is cancelled
 *   fail STATUS [TIMES]      refused with that status; with TIMES, backed off so often and then on to the next line
 *   rubbish [TOOL]           a call whose arguments are not JSON
 *   garbage                  an answer that is not the protocol
 *   empty                    an answer without text and calls
 *
 * After the last step it says what the tools answered in this turn, or `done`. A message whose first line is no
 * directive is echoed; a line that is none further down is told to the user, with its number.
 *
 *   call timestamp {}
 *   and call echo {"text":"hi"}
 *   then
 *   stream 10 50 that was all
 */
export function scriptStep(request: ModelRequest): RehearsalStep {
  const text = lastUserText(request.messages)
  const script = parseScript(text)
  if (script === undefined) return [say(text)]
  if ('problem' in script) return [say(script.problem)]
  const position = sinceLastUser(request.messages).filter((message) => message.role === 'assistant').length
  const repeated = script.steps.findIndex((step) => step.repeats)
  const due = script.steps[repeated >= 0 ? Math.min(position, repeated) : position]
  if (due) return due.acts(request.tools)
  const results = toolResults(request.messages).map((result) => result.content)
  return [say(results.length > 0 ? results.join('\n') : 'done')]
}

interface ScriptStep {
  readonly repeats: boolean
  acts(tools: readonly ModelTool[]): RehearsalStep
}

type Script = { readonly steps: readonly ScriptStep[] } | { readonly problem: string }

const directive =
  /^(?:(say) (.*)|(stream) (\d+) (\d+) (.*)|(wait) (\d+)|(?:(repeat) |and )?(call) (\S+)(?: (\{.*\}))?|(hang)|(fail) (\d{3})(?: (\d+))?|(rubbish)(?: (\S+))?|(garbage)|(empty))$/

/** Undefined: not a script at all. */
export function parseScript(text: string): Script | undefined {
  const lines = text.split('\n').map((line) => line.trim())
  const first = lines.find((line) => line !== '')
  if (first === undefined || !directive.test(first)) return undefined
  const steps: ScriptStep[] = []
  let open: string[] = []
  for (const [index, line] of lines.entries()) {
    // What the session says of attached files is no part of the script.
    if (line === '' || line.startsWith('[Attachment')) continue
    if (line === 'then') {
      steps.push(scriptStepOf(open))
      open = []
    } else if (directive.test(line)) open.push(line)
    else return { problem: `script line ${index + 1} is not a directive: ${line}` }
  }
  steps.push(scriptStepOf(open))
  return { steps }
}

function scriptStepOf(lines: readonly string[]): ScriptStep {
  return {
    repeats: lines.some((line) => line.startsWith('repeat ')),
    acts: (tools) => lines.flatMap((line) => actOf(line, tools)),
  }
}

function actOf(line: string, tools: readonly ModelTool[]): readonly RehearsalAct[] {
  const [word = '', ...rest] = line.replace(/^(repeat|and) /, '').split(' ')
  switch (word) {
    case 'say':
      return [say(rest.join(' '))]
    case 'stream':
      return [streamed(Number(rest[0]), Number(rest[1]), rest.slice(2).join(' '))]
    case 'wait':
      return [{ kind: 'wait', ms: Number(rest[0]) }]
    case 'call':
      return [{ kind: 'calls', calls: [{ name: rest[0] ?? '', arguments: rest.slice(1).join(' ') || '{}' }] }]
    case 'hang':
      return [{ kind: 'hang' }]
    case 'fail':
      return [{ kind: 'fail', status: Number(rest[0]), ...(rest[1] !== undefined && { times: Number(rest[1]) }) }]
    case 'rubbish':
      return [{ kind: 'calls', calls: [rubbishCall(tools, rest[0])] }]
    case 'garbage':
      return [{ kind: 'garble' }]
    default:
      return []
  }
}

/** Not repairable by any reading: neither an object nor the beginning of one. */
export function rubbishCall(tools: readonly ModelTool[], name?: string): RehearsalCall {
  return { name: name ?? tools[0]?.name ?? 'echo', arguments: '<<this is not JSON at all>>' }
}
