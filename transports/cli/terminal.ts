import { createInterface } from 'node:readline'

/** Where a command reads and writes: the process's own streams, or those of a spec. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean | undefined }
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean | undefined }
  readonly errors: NodeJS.WritableStream
  /** Colours only where a person looks, and NO_COLOR is honoured. */
  readonly color: boolean
}

export function processTerminal(env: Readonly<Record<string, string | undefined>>): Terminal {
  const { stdin, stdout, stderr } = process
  // `soma sessions | head -1`: the reader has seen enough, and that is no failure.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  return { input: stdin, output: stdout, errors: stderr, color: Boolean(stdout.isTTY) && !env.NO_COLOR }
}

export interface Paint {
  dim(text: string): string
  bold(text: string): string
  red(text: string): string
  green(text: string): string
}

export function paint(color: boolean): Paint {
  const wrap = (code: number) => (text: string) => (color ? `\u001b[${code}m${text}\u001b[0m` : text)
  return { dim: wrap(2), bold: wrap(1), red: wrap(31), green: wrap(32) }
}

/** Aligned columns; the last one is cut to what is left of the line. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[], width = 120): string {
  const all = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  const last = headings.length - 1
  return all
    .map((row) => {
      const cells = row.slice(0, last).map((cell, column) => cell.padEnd(widths[column] ?? 0))
      const taken = cells.reduce((sum, cell) => sum + cell.length + 2, 0)
      return [...cells, shorten(row[last] ?? '', Math.max(20, width - taken))].join('  ').trimEnd()
    })
    .join('\n')
}

export function shorten(text: string, length: number): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`
}

export interface LineReader {
  readonly lines: AsyncIterable<string>
  prompt(): void
  /** Called at Ctrl-C, which then does not end the process. */
  onInterrupt(listener: () => void): void
  close(): void
}

export function lineReader({ input, output }: Terminal, prompt: string): LineReader {
  const reader = createInterface({ input, output, prompt, terminal: Boolean(input.isTTY) })
  return {
    lines: reader,
    prompt: () => {
      if (input.isTTY) reader.prompt()
    },
    onInterrupt: (listener) => {
      reader.on('SIGINT', listener)
    },
    close: () => reader.close(),
  }
}

export async function readAll(input: AsyncIterable<string | Buffer>): Promise<string> {
  let text = ''
  for await (const chunk of input) text += chunk.toString()
  return text
}
