import type { ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { createParser } from 'eventsource-parser'
import { Agent, request } from 'undici'
import { delta, done, startModelServer, usage } from '../support/model-server.ts'
import type { BenchRow } from './bench-row.ts'
import { distribution } from './figures.ts'

/**
 * From the model writing a token to the client having read it, through the whole service or cluster. Model and client are this
 * process, so one clock times both; its own work is in the figure. A token carries its number, and the client looks for
 * numbers, so tokens that arrive together are each counted with their own wait.
 */
const TOKENS = 80
const EVERY_MS = 50

/** `start` brings up what is between the model and the client, with these variables. */
export async function tokenRows(
  what: string,
  levels: readonly number[],
  start: (env: Readonly<Record<string, string>>) => Promise<{ readonly url: string; release(): Promise<void> }>,
): Promise<BenchRow[]> {
  const written: number[] = []
  const model = await startModelServer(() => (response) => writeTokens(response, written))
  const dispatcher = new Agent({ pipelining: 1 })
  const rows: BenchRow[] = []
  try {
    const service = await start({ OPENAI_BASE_URL: model.url, SOMA_MODEL: 'bench' })
    try {
      await readStreams(service.url, dispatcher, 20, written)
      for (const streams of levels) {
        const waits = await readStreams(service.url, dispatcher, streams, written)
        if (waits.length !== streams * TOKENS) throw new Error(`${waits.length} of ${streams * TOKENS} tokens came`)
        rows.push({
          what: `${what}, ${streams} stream${streams === 1 ? '' : 's'}`,
          value: distribution(waits),
          goal: 'p99 <= 25 ms',
          note: `${(streams * 1_000) / EVERY_MS} tokens/s, each sent on as it comes`,
        })
      }
    } finally {
      await service.release()
    }
    return rows
  } finally {
    await dispatcher.destroy()
    await model.close()
  }
}

async function writeTokens(response: ServerResponse, written: number[]): Promise<void> {
  const send = (part: object) => response.write(`data: ${JSON.stringify(part)}\n\n`)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  // Models do not answer in step with each other.
  await pause((written.length * 7) % EVERY_MS)
  for (let token = 0; token < TOKENS && !response.destroyed; token++) {
    await pause(EVERY_MS)
    const number = written.push(performance.now()) - 1
    send(delta({ content: `${number} ` }))
  }
  send(delta({}, 'stop'))
  send({ choices: [], usage })
  response.end(done)
}

async function readStreams(url: string, dispatcher: Agent, streams: number, written: number[]): Promise<number[]> {
  const waits: number[] = []
  const read = async () => {
    const { statusCode, body } = await request(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'bench', stream: true, messages: [{ role: 'user', content: 'count' }] }),
      dispatcher,
    })
    if (statusCode !== 200) throw new Error(`${statusCode} ${await body.text()}`)
    const parser = createParser({
      onEvent({ data }) {
        if (data === '[DONE]') return
        const chunk = JSON.parse(data) as { choices: readonly { delta: { content?: string } }[] }
        const now = performance.now()
        for (const token of chunk.choices[0]?.delta.content?.match(/\d+/g) ?? []) {
          waits.push(now - (written[Number(token)] as number))
        }
      },
    })
    const text = new TextDecoder()
    for await (const bytes of body) parser.feed(text.decode(bytes as Uint8Array, { stream: true }))
  }
  await Promise.all(Array.from({ length: streams }, read))
  return waits
}
