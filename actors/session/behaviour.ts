import { assertNever, type Behaviour, type CommandMeta, type Decision } from '../kernel/behaviour.ts'
import { approvedResult } from './approved-calls.ts'
import type { Command } from './commands.ts'
import { onCondensed } from './condensing.ts'
import { Draft, type SessionConfiguration, type SessionEffect } from './draft.ts'
import type { SessionEvent } from './events.ts'
import { inject, intervene, nudge, pause, remove, reset, resume, stop, switchPersona } from './interrupts.ts'
import { type QuickAction, quickActions } from './protocol.ts'
import { evolve, initialSession, type SessionState } from './state.ts'
import { editPending, setStepMode, step } from './stepping.ts'
import { cancelTimer, listTimers, schedule, tick } from './timers.ts'
import { requestTool } from './tool-requests.ts'
import { onModelFailed, onModelReplied, onRecovered, onToolReturned } from './turn.ts'
import { accept, refuse } from './turn-queue.ts'

/** Quick actions are turns whose words are ours; they change no metadata (the old stack lost the budget on them). */
const actionPrompts: Readonly<Record<QuickAction, string>> = {
  summarize: 'Summarize this conversation so far in a few sentences.',
  next_steps: 'List the next steps that follow from this conversation, most useful first.',
  status_report: 'Give a short status report of this conversation: what was asked, what is done, what is open.',
}

/** Fixed at the session's birth; later metadata cannot change whose session it is or what it may spend. */
const FIXED_METADATA = ['tenant', 'budget', 'parent_session_id', 'delegation_depth'] as const

/** Commands that a session must exist for; to a session never born they are a dead letter, not a new session. */
const startsSession: ReadonlySet<Command['kind']> = new Set<Command['kind']>([
  'AcceptUserTurn',
  'RefuseUserTurn',
  'Act',
  'Import',
  'RequestTool',
  'Inject',
  'Intervene',
  'UpdateMetadata',
  'SwitchPersona',
  'SetStepMode',
  'NoteUpload',
])
const internal: ReadonlySet<Command['kind']> = new Set<Command['kind']>([
  'ModelReplied',
  'ModelFailed',
  'Condensed',
  'CondensingFailed',
  'Recovered',
])

export function sessionBehaviour(
  configuration: SessionConfiguration,
  sessionId: string,
): Behaviour<SessionState, Command, SessionEvent, SessionEffect> {
  return {
    initial: initialSession,
    evolve,
    decide(state, command, meta) {
      const refused = admit(state, command, meta)
      if (refused) return { events: [], deadLetter: refused }
      // A call that ended after the deletion has left its own journal behind.
      if (state.status === 'deleted') return { events: [], effects: [{ kind: 'Erase' }] }
      const draft = new Draft(sessionId, state, meta, configuration)
      if (state.status === 'new') begin(draft, command)
      carryOut(draft, command)
      return draft.decision()
    },
    pendingEffects({ status, turn }) {
      // Pending until `erase` says in the journal that it is done: a node that dies in between leaves it to the next owner.
      if (status === 'deleted') return [{ kind: 'Erase' }]
      return turn?.phase === 'model' ? [{ kind: 'CallModel' }] : []
    },
  }
}

function admit(state: SessionState, command: Command, meta: CommandMeta): Decision<never, never>['deadLetter'] {
  if (internal.has(command.kind)) return undefined
  if (state.status === 'deleted') {
    // Its calls were cancelled with it, and say so; what one returned must not outlive it in a dead letter. Asked for twice,
    // a deletion is done.
    if (command.kind === 'ToolReturned' || command.kind === 'Delete') return undefined
    return { code: 'UNROUTABLE', detail: 'the session was deleted' }
  }
  if (state.status === 'live' && command.kind !== 'ToolReturned' && meta.tenant !== state.tenant) {
    return { code: 'UNROUTABLE', detail: 'the session belongs to another tenant' }
  }
  if (state.status === 'new' && !startsSession.has(command.kind))
    return { code: 'UNROUTABLE', detail: `there is no session to ${command.kind}` }
  return undefined
}

function begin(draft: Draft, command: Command): void {
  const { personas } = draft.configuration
  const { birth } = command
  const asked = ('personaId' in command ? command.personaId : undefined) ?? birth?.personaId
  const personaId = asked !== undefined && personas.get(asked) ? asked : personas.defaultId
  const said =
    command.kind === 'AcceptUserTurn' || command.kind === 'UpdateMetadata'
      ? command.metadata
      : command.kind === 'RequestTool'
        ? (command.born ?? {})
        : {}
  const metadata = withFixed({ ...birth?.metadata, ...said }, birth?.metadata ?? {})
  const delegated = command.kind === 'AcceptUserTurn' && command.delegated ? { delegated: command.delegated } : {}
  draft.record({ kind: 'SessionStarted', tenant: draft.meta.tenant, personaId, metadata, ...delegated })
}

function carryOut(draft: Draft, command: Command): void {
  const partialText = command.partialText ?? ''
  switch (command.kind) {
    case 'AcceptUserTurn':
      acceptUserTurn(draft, command)
      return
    case 'RefuseUserTurn':
      refuse(draft, command)
      return
    case 'Act':
      if (quickActions.includes(command.action)) {
        accept(draft, {
          turnId: command.turnId,
          text: actionPrompts[command.action],
          attachments: [],
          metadata: command.metadata,
          action: command.action,
        })
      }
      return
    case 'Stop':
      stop(draft, command.turnId, command.reason, command.alsoQueued ?? false, partialText)
      return
    case 'Pause':
      pause(draft, command.reason)
      return
    case 'Resume':
      resume(draft)
      return
    case 'Nudge':
      nudge(draft)
      return
    case 'Intervene':
      if (draft.state.turn) intervene(draft, command.text, partialText)
      else accept(draft, { turnId: draft.meta.envelopeId, text: command.text, attachments: [], metadata: {} })
      return
    case 'Inject':
      // A user's words to an idle session begin a turn, marked with who put them there and why.
      if (command.message.role === 'user' && !draft.state.turn) {
        const injected = { by: command.by, why: command.why }
        accept(draft, {
          turnId: draft.meta.envelopeId,
          text: command.message.content,
          attachments: [],
          metadata: { injected },
        })
      } else {
        inject(draft, command.message, command.by, command.why, partialText)
      }
      return
    case 'SwitchPersona':
      switchPersona(draft, command.personaId)
      return
    case 'SetStepMode':
      setStepMode(draft, command.on, command.by, command.why)
      return
    case 'Step':
      step(draft, command.hold, command.by)
      return
    case 'EditPending':
      editPending(draft, command.hold, command.edit, command.by, command.why)
      return
    case 'UpdateMetadata':
      mergeMetadata(draft, command.metadata)
      return
    case 'Reset':
      reset(draft, partialText)
      return
    case 'Delete':
      remove(draft)
      return
    case 'Import':
      draft.record({
        kind: 'HistoryImported',
        messages: command.history,
        ...(command.title !== undefined && { title: command.title }),
      })
      return
    case 'RequestTool':
      requestTool(draft, command)
      return
    case 'NoteUpload': {
      const { kind: _, v: _v, partialText: _p, birth: _b, ...progress } = command
      draft.record({ kind: 'UploadNoted', ...progress })
      return
    }
    case 'Schedule':
      schedule(draft, command)
      return
    case 'ListTimers':
      listTimers(draft, command.callId)
      return
    case 'CancelTimer':
      cancelTimer(draft, command)
      return
    case 'Tick':
      tick(draft, command.timerId, command.due)
      return
    case 'ToolReturned': {
      const approved = approvedResult(draft.state, command)
      onToolReturned(draft, command.callId, command.outcome)
      if (approved) inject(draft, approved.message, approved.by, approved.why, command.partialText ?? '')
      return
    }
    case 'ModelReplied':
      onModelReplied(draft, command.call, command.reply)
      return
    case 'ModelFailed':
      onModelFailed(draft, command.call, command.code, command.detail)
      return
    case 'Condensed':
    case 'CondensingFailed':
      onCondensed(draft, command)
      return
    case 'Recovered':
      onRecovered(draft)
      return
    default:
      assertNever(command)
  }
}

function acceptUserTurn(draft: Draft, command: Extract<Command, { kind: 'AcceptUserTurn' }>): void {
  const { kind: _, v: _v, personaId, history, partialText: _p, birth: _b, delegated: _d, ...request } = command
  if (history && history.length > 0 && draft.state.history.length === 0)
    draft.record({ kind: 'HistoryImported', messages: history })
  if (personaId !== undefined && personaId !== draft.state.personaId && draft.configuration.personas.get(personaId)) {
    draft.record({ kind: 'PersonaSwitched', personaId })
  }
  mergeMetadata(draft, command.metadata)
  accept(draft, request)
}

function mergeMetadata(draft: Draft, metadata: Readonly<Record<string, unknown>>): void {
  const before = draft.state.metadata
  const merged = withFixed({ ...before, ...metadata }, before)
  if (JSON.stringify(merged) !== JSON.stringify(before)) draft.record({ kind: 'MetadataUpdated', metadata: merged })
}

function withFixed(metadata: Record<string, unknown>, fixed: Readonly<Record<string, unknown>>) {
  const kept = FIXED_METADATA.filter((key) => key in fixed).map((key) => [key, fixed[key]] as const)
  return { ...metadata, ...Object.fromEntries(kept) }
}
