import type { ActorContext, ActorRecipe, ActorSystem } from '../kernel/actor.ts'
import { assertNever } from '../kernel/behaviour.ts'
import { asFailure, Failure } from '../kernel/failure.ts'
import { type ArgumentChecks, argumentChecks } from './json-schema.ts'
import { type Offer, offerOf } from './offered-tools.ts'
import type { McpConnection, OpenConnection } from './protocol.ts'
import type { ServerDoor } from './server-door.ts'

export interface McpActorParts {
  readonly door: ServerDoor
  readonly open: OpenConnection
  readonly tell: ActorSystem['tell']
}

interface McpState {
  readonly life: Life
  readonly connection: McpConnection | undefined
}

/** One life of the actor. What an earlier life still tells is about a connection that is gone. */
interface Life {
  checks: ArgumentChecks | undefined
  /** A look whether the server is alive is under way. */
  looking: boolean
  /** A new list of tools is asked for, or was a moment ago; `again` when it changed since. */
  listing: 'no' | 'yes' | 'again'
  /** In the mailbox already: a thousand of one kind say no more than one does, and would fill it. */
  readonly noticed: Set<'Suspected' | 'ToolsChanged'>
}

type Told =
  | { readonly kind: 'Opened'; readonly connection: McpConnection; readonly offer: Offer }
  | { readonly kind: 'Lost'; readonly why: string }
  | { readonly kind: 'Suspected'; readonly why: string }
  | { readonly kind: 'ToolsChanged' }
  | { readonly kind: 'Listed'; readonly offer: Offer }
  | { readonly kind: 'ListAgain' }

export type McpMessage = Told & { readonly life: Life }

const CAPACITY = 64
/** A server may say at every list that it has changed: it is asked no more often than this. */
const LIST_EVERY_MS = 1_000
/** A server that says nothing to a ping for so long is taken for dead. */
const PING_MS = 5_000

/**
 * One MCP server, one actor: it holds the connection, and fails when that is lost. Its supervisor starts it again, with
 * backoff and for as long as it takes (supervisors/tree.ts): the server is not ours, so that it is gone is no defect.
 *   A1. Nothing waits for a server: opening happens beside the mailbox, and so our own start goes on without it.
 *   A2. One life, one connection: a life that ends closes what it opened, also what opens only after its end.
 */
export function mcpServerActor({ door, open, tell }: McpActorParts): ActorRecipe<McpMessage, McpState> {
  const { server } = door

  async function opened(context: ActorContext<McpMessage>, life: Life): Promise<Told> {
    const { signal, stopClock } = limited(context)
    const notice = (message: Extract<McpMessage, { kind: 'Suspected' | 'ToolsChanged' }>) => {
      if (life.noticed.has(message.kind)) return
      if (tell(context.self, message) === 'accepted') life.noticed.add(message.kind)
    }
    const events = {
      closed: (why: string) => void tell(context.self, { kind: 'Lost', why, life }, 'control'),
      suspected: (why: string) => notice({ kind: 'Suspected', why, life }),
      toolsChanged: () => notice({ kind: 'ToolsChanged', life }),
    }
    const opening = open(server, events, signal)
    try {
      const connection = await within(opening, signal)
      life.checks ??= await argumentChecks()
      return { kind: 'Opened', connection, offer: await listed(connection, life, signal) }
    } catch (error) {
      void opening.then((connection) => connection.close()).catch(() => {}) // A2
      return { kind: 'Lost', why: asFailure(error).detail }
    } finally {
      stopClock()
    }
  }

  async function listed(connection: McpConnection, life: Life, signal: AbortSignal): Promise<Offer> {
    const tools = await within(connection.tools(signal), signal)
    return offerOf(server, tools, life.checks as ArgumentChecks, (tool, idempotent, args, context) =>
      door.call(tool, idempotent, args, context),
    )
  }

  async function relisted(context: ActorContext<McpMessage>, life: Life, connection: McpConnection): Promise<Told> {
    const { signal, stopClock } = limited(context)
    try {
      return { kind: 'Listed', offer: await listed(connection, life, signal) }
    } catch (error) {
      return { kind: 'Suspected', why: `its tools could not be listed again: ${asFailure(error).detail}` }
    } finally {
      stopClock()
    }
  }

  /** One at a time, and then a pause: of a thousand notices that the list changed, the last is what counts. */
  function relist(context: ActorContext<McpMessage>, life: Life, connection: McpConnection): void {
    const tellMe = tellOf(context, life)
    life.listing = 'yes'
    void relisted(context, life, connection).then((told) => {
      tellMe(told)
      context.clock.after(LIST_EVERY_MS, () => tellMe({ kind: 'ListAgain' }))
    })
  }

  function limited({ clock, signal }: ActorContext<McpMessage>) {
    const expiry = new AbortController()
    const late = new Failure('MCP_UNAVAILABLE', `it listed no tools within ${server.startMs} ms`)
    const stopClock = clock.after(server.startMs, () => expiry.abort(late))
    return { signal: AbortSignal.any([signal, expiry.signal]), stopClock }
  }

  /** A2. Closed here, since a life that fails has no stop hook; that also ends the calls that still wait for it. */
  async function lost(connection: McpConnection | undefined, why: string): Promise<never> {
    door.down(why)
    await connection?.close().catch(() => {})
    throw new Failure('MCP_UNAVAILABLE', `${server.name}: ${why}`)
  }

  async function looked(life: Life, connection: McpConnection, why: string): Promise<Told | undefined> {
    life.looking = true
    try {
      await connection.ping(PING_MS)
      return undefined
    } catch (error) {
      return { kind: 'Lost', why: `${why}; ${asFailure(error).detail}` }
    } finally {
      life.looking = false
    }
  }

  function tellOf(context: ActorContext<McpMessage>, life: Life) {
    return (told: Told | undefined) => {
      const sent = told && tell(context.self, { ...told, life } as McpMessage, 'control')
      if (told?.kind === 'Opened' && sent !== 'accepted') void told.connection.close() // A2
    }
  }

  return {
    type: 'mcp',
    capacity: CAPACITY,
    start(context) {
      const life: Life = { checks: undefined, looking: false, listing: 'no', noticed: new Set() }
      door.starting()
      door.onSilence = (why) => void tell(context.self, { kind: 'Suspected', why, life })
      void opened(context, life).then(tellOf(context, life)) // A1
      return { life, connection: undefined }
    },
    receive(state, message, context) {
      const { life, connection } = state
      if (message.life !== life) {
        if (message.kind === 'Opened') void message.connection.close() // A2
        return state
      }
      const { log } = context
      switch (message.kind) {
        case 'Opened':
          door.ready(message.connection, message.offer)
          told(log, server.name, message.connection.peer, message.offer)
          if (life.listing === 'again') relist(context, life, message.connection)
          return { life, connection: message.connection }
        case 'Lost':
          return lost(connection, message.why)
        case 'Suspected':
          life.noticed.delete(message.kind)
          if (connection && !life.looking) void looked(life, connection, message.why).then(tellOf(context, life))
          return state
        case 'ToolsChanged':
          life.noticed.delete(message.kind)
          // While it is being listed, also before there is a connection: what changed may be missing in that list.
          if (connection === undefined || life.listing !== 'no') life.listing = 'again'
          else relist(context, life, connection)
          return state
        case 'ListAgain': {
          const again = life.listing === 'again'
          life.listing = 'no'
          if (again && connection) relist(context, life, connection)
          return state
        }
        case 'Listed':
          if (connection) {
            door.ready(connection, message.offer)
            told(log, server.name, connection.peer, message.offer)
          }
          return state
        default:
          return assertNever(message)
      }
    },
    async stop({ connection }) {
      if (!connection) return
      door.left(connection)
      await connection.close()
    },
  }
}

function told(log: ActorContext<never>['log'], server: string, peer: string, { tools, leftOut }: Offer): void {
  log.info({ server, peer, tools: tools.map(({ name }) => name) }, 'MCP server ready')
  for (const { name, reason } of leftOut) log.debug({ server, tool: name, reason }, 'MCP tool left out')
}

function within<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason)
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    // Listened to in any case: a rejection that nobody hears would end the process.
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
