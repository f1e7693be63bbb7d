import { Pool } from 'undici'
import type { LoadOrder, LoadResult } from './load.ts'

/**
 * The clients of a load, in a process of their own: so many at once, each sends its next message when it has the answer
 * to the last. Keep-alive, no pipelining. An answer counts only when it is the echo of what was said.
 */
const words = 'A message of two hundred bytes, as a person writes it in a chat. '.repeat(4).slice(0, 190)

process.once('disconnect', () => process.exit(1))
process.on('message', (order: LoadOrder) => {
  void run(order).then((result) => process.send?.(result))
})

let said = 0

async function run({ url, clients, forMs, sessions }: LoadOrder): Promise<LoadResult> {
  const pool = new Pool(url, { connections: clients, pipelining: 1, keepAliveTimeout: 60_000 })
  const latencies: number[] = []
  const errors: string[] = []
  const cpuFrom = process.cpuUsage()
  const from = performance.now()
  const client = async (first: number) => {
    // Each client has sessions of its own, so that no turn waits for another of its session.
    for (let turn = first; performance.now() - from < forMs; turn += clients) {
      const sent = performance.now()
      const failed = await say(pool, sessions?.[turn % sessions.length])
      if (failed === undefined) latencies.push(performance.now() - sent)
      else errors.push(failed)
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, first) => client(first)))
  const elapsedMs = performance.now() - from
  const { user, system } = process.cpuUsage(cpuFrom)
  await pool.close()
  return { latencies, errors, elapsedMs, cpuMs: (user + system) / 1_000 }
}

async function say(pool: Pool, session: string | undefined): Promise<string | undefined> {
  const content = `${words}${String(said++).padStart(10, '0')}`
  try {
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { 'content-type': 'application/json', ...(session !== undefined && { 'x-session-id': session }) },
      body: JSON.stringify({ model: 'rehearsal/echo', messages: [{ role: 'user', content }] }),
    })
    const text = await body.text()
    if (statusCode !== 200) return `${statusCode} ${text.slice(0, 200)}`
    const answer = JSON.parse(text) as { choices: readonly { message: { content: string } }[] }
    return answer.choices[0]?.message.content === content ? undefined : `not the echo: ${text.slice(0, 200)}`
  } catch (error) {
    return String(error)
  }
}
