import type { ConversationEvent } from '../outbound.ts'
import type { CommandContext } from './command-context.ts'
import { endingOf, exitCodes, failedTurn } from './problem.ts'
import { headOf } from './send.ts'
import { type LineReader, lineReader } from './terminal.ts'
import { TurnPrinter } from './turn-printer.ts'

export interface ChatOptions {
  readonly session?: string
  readonly persona?: string
}

const help = `  /stop  /pause  /resume  /reset  /persona ID  /session  /quit
  Ctrl-C stops the running answer; twice while nothing runs leaves. A line typed while it answers interrupts it.`

/**
 * A conversation on a terminal.
 *   C1. Ctrl-C stops the turn, never the program, while a turn runs; the session keeps the text shown so far.
 *   C2. From a pipe, lines are turns one after another, and the end of input waits for the last answer.
 */
export async function chat(context: CommandContext, options: ChatOptions): Promise<number> {
  const conversation = new Conversation(context, options)
  await conversation.join()
  return conversation.run(lineReader(context.terminal, context.paint.bold('you> ')))
}

class Conversation {
  readonly #context: CommandContext
  readonly #interactive: boolean
  readonly #printer: TurnPrinter
  readonly #leave = new AbortController()
  #persona: string | undefined
  #session: string | undefined
  #after = 0
  /** A message is on its way, and its turn not known yet. */
  #accepting = false
  /** The turn whose end the prompt waits for. */
  #running: { readonly turnId: string; readonly ended: () => void } | undefined
  /** Finals that came before `say` answered with the turn's id. */
  readonly #finished = new Set<string>()
  #following: Promise<void> | undefined
  #broken: unknown
  #askedToLeave = false

  constructor(context: CommandContext, { session, persona }: ChatOptions) {
    this.#context = context
    this.#interactive = Boolean(context.terminal.input.isTTY)
    this.#printer = new TurnPrinter((text) => context.terminal.output.write(text), context.paint)
    this.#session = session
    this.#persona = persona
  }

  async join(): Promise<void> {
    if (this.#session !== undefined) this.#after = await headOf(this.#context, this.#session)
    if (this.#interactive) this.#say(`${this.#context.client.url} — /help for commands`)
  }

  async run(reader: LineReader): Promise<number> {
    reader.onInterrupt(() => this.#interrupt(reader))
    reader.prompt()
    try {
      for await (const line of reader.lines) {
        this.#askedToLeave = false
        const text = line.trim()
        if (text === '/quit' || text === '/exit') break
        if (text !== '') await this.#take(text, reader)
        if (this.#broken) throw this.#broken
        if (!this.#running && !this.#accepting) reader.prompt()
      }
    } finally {
      reader.close()
      this.#leave.abort()
      await this.#following
    }
    if (this.#interactive && this.#session) this.#say(`go on with: soma chat --session ${this.#session}`)
    return exitCodes.ok
  }

  async #take(text: string, reader: LineReader): Promise<void> {
    try {
      if (text.startsWith('/')) await this.#command(text)
      else if (this.#running && this.#session) {
        await this.#context.client.command(this.#session, 'intervene', { text })
      } else {
        const turn = this.#turn(text)
        // A terminal reads on, for commands and interruptions; a pipe waits (C2).
        if (!this.#interactive) await turn
        else
          turn.then(
            () => reader.prompt(),
            (error) => this.#complain(error, reader),
          )
      }
    } catch (error) {
      if (!this.#interactive) throw error
      this.#complain(error, reader)
    }
  }

  async #turn(text: string): Promise<void> {
    this.#accepting = true
    const { client } = this.#context
    const accepted = await client.say(text, { session: this.#session, persona: this.#persona }).finally(() => {
      this.#accepting = false
    })
    this.#session = accepted.session_id
    this.#persona = undefined
    if (!this.#finished.delete(accepted.event_id)) {
      await new Promise<void>((resolve) => {
        this.#running = { turnId: accepted.event_id, ended: resolve }
        this.#following ??= this.#follow(accepted.session_id)
      })
    }
    if (this.#broken) throw this.#broken
  }

  async #follow(session: string): Promise<void> {
    try {
      for await (const event of this.#context.client.follow(session, this.#after, this.#leave.signal)) this.#hear(event)
    } catch (error) {
      this.#broken = error
      this.#end()
    }
  }

  #hear(event: ConversationEvent): void {
    if (this.#context.json) {
      if (event.type !== 'assistant.stream') this.#context.print(event, () => '')
    } else this.#printer.print(event)
    const turnId = event.metadata.turn_id
    if (event.type !== 'assistant.final' || typeof turnId !== 'string') return
    if (event.metadata.outcome === 'failed' && !this.#context.json) this.#tell(failedTurn(event.metadata))
    if (this.#running?.turnId === turnId) this.#end()
    else this.#finished.add(turnId)
  }

  /** At once, not when the waiting turn resumes: a line typed in between is a new turn and no interruption. */
  #end(): void {
    const { ended } = this.#running ?? {}
    this.#running = undefined
    ended?.()
  }

  async #command(text: string): Promise<void> {
    const [name = '', argument = ''] = text.slice(1).split(/\s+/, 2)
    if (name === 'help') return this.#say(help)
    if (name === 'session') return this.#say(this.#session ?? 'no session yet: say something')
    if (name === 'persona' && !this.#session) {
      this.#persona = argument
      return
    }
    const { client } = this.#context
    if (!this.#session) return this.#say('no session yet: say something')
    if (name === 'stop') await client.command(this.#session, 'stop')
    else if (name === 'reset') await client.command(this.#session, 'reset')
    else if (name === 'pause' || name === 'resume') {
      await client.command(this.#session, 'pause', { paused: name === 'pause' })
    } else if (name === 'persona') await client.command(this.#session, 'persona', { persona_id: argument })
    else this.#say(`there is no /${name}\n${help}`)
  }

  /** C1 */
  #interrupt(reader: LineReader): void {
    if (this.#running && this.#session) {
      // The answer, or the ^C that the terminal shows, stands in the middle of a line.
      this.#say('\nstopping…')
      const { turnId } = this.#running
      this.#context.client
        .command(this.#session, 'stop', { turn_id: turnId })
        .catch((error) => this.#complain(error, reader))
    } else if (this.#askedToLeave) reader.close()
    else {
      this.#askedToLeave = true
      this.#say('Ctrl-C again leaves')
      reader.prompt()
    }
  }

  #complain(error: unknown, reader: LineReader): void {
    this.#tell(error)
    reader.prompt()
  }

  #tell(error: unknown): void {
    const { code, detail, remedy } = endingOf(error)
    this.#context.terminal.errors.write(`${this.#context.paint.red(code)}: ${detail}\n  ${remedy}\n`)
  }

  #say(text: string): void {
    if (!this.#context.json) this.#context.terminal.output.write(`${this.#context.paint.dim(text)}\n`)
  }
}
