import { type Dispatcher, request } from 'undici'

/** One turn of the echo: undefined when it was answered, else what came instead. */
export async function oneTurn(
  url: string,
  { session, key, dispatcher }: { readonly session: string; readonly key?: string; readonly dispatcher: Dispatcher },
): Promise<string | undefined> {
  const content = 'A message of two hundred bytes, as a person writes it in a chat. '.repeat(4).slice(0, 200)
  try {
    const { statusCode, body } = await request(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-session-id': session,
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      body: JSON.stringify({ model: 'rehearsal/echo', messages: [{ role: 'user', content }] }),
      dispatcher,
    })
    const text = await body.text()
    return statusCode === 200 ? undefined : `${statusCode} ${text.slice(0, 200)}`
  } catch (error) {
    return String(error)
  }
}
