/** JSON from a server that must answer. */
export async function asked(method: string, url: string, body?: string, type = 'application/json'): Promise<unknown> {
  const answer = await fetch(url, { method, ...(body !== undefined && { body, headers: { 'content-type': type } }) })
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`)
  const text = await answer.text()
  return text === '' ? undefined : JSON.parse(text)
}
