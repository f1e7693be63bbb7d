import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import OpenAI, { type APIError } from 'openai'
import type { SessionCommand } from '../../actors/session/protocol.ts'
import { type GatewayHarness, type HarnessOptions, startGateway } from './gateway-harness.ts'

export const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

/** Another image each time: what is behind its end no decoder reads. */
export const imageOf = (n: number) => Buffer.concat([png, Buffer.from(`${n}`)])

export const dataUrl = (bytes: Uint8Array | string, type: string) =>
  `data:${type};base64,${Buffer.from(bytes).toString('base64')}`

export type Parts = OpenAI.ChatCompletionContentPart[]

/** An image, by a URL or as bytes of a PNG. */
export const shown = (image: string | Uint8Array) => ({
  type: 'image_url' as const,
  image_url: { url: typeof image === 'string' ? image : dataUrl(image, 'image/png') },
})

export const attached = (file_data: string, filename?: string) => ({
  type: 'file' as const,
  file: { file_data, ...(filename !== undefined && { filename }) },
})

const secret = 'a secret that is long enough for HS256'
export const model = 'rehearsal/demo'

/** What the client raises, as far as it matters here. */
export const refusal = (asked: Promise<unknown>) =>
  asked.then(
    () => expect.fail('it was taken'),
    ({ code, param, status, message }: APIError) => ({ code, param, status, message }),
  )

/** A gateway that knows its callers by token, and unmodified OpenAI clients of two tenants. */
export class FilesWorld {
  readonly harness: GatewayHarness

  private constructor(harness: GatewayHarness) {
    this.harness = harness
  }

  static async begin(options: HarnessOptions = {}): Promise<FilesWorld> {
    return new FilesWorld(await startGateway({ auth: { mode: 'jwt', secret }, ...options }))
  }

  close(): Promise<void> {
    return this.harness.close()
  }

  client(tenant = 'acme'): OpenAI {
    return new OpenAI({ baseURL: `${this.harness.url}/v1`, apiKey: tokenOf(tenant), maxRetries: 0 })
  }

  ask(content: Parts | string, session?: string, key?: string, before: OpenAI.ChatCompletionMessageParam[] = []) {
    const messages = [...before, { role: 'user' as const, content }]
    return this.client().chat.completions.create(
      { model, messages, ...(session && { metadata: { session_id: session } }) },
      { headers: key === undefined ? {} : { 'idempotency-key': key } },
    )
  }

  async call(method: string, path: string, tenant = 'acme', body?: object) {
    const answer = await fetch(`${this.harness.url}${path}`, {
      method,
      headers: { ...headersOf(tenant), ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) }
  }

  async filesOf(session: string) {
    const { bytes } = await this.call('GET', `/v1/sessions/${session}/attachments`)
    return JSON.parse(String(bytes)).attachments as {
      readonly path: string
      readonly filename: string
      readonly mime: string
      readonly sha256: string
      readonly status: string
    }[]
  }

  get turns() {
    const bodies = this.harness.sent.map(({ body }) => body)
    return bodies.filter((body) => body.kind === 'AcceptUserTurn') as Extract<
      SessionCommand,
      { kind: 'AcceptUserTurn' }
    >[]
  }
}

export function headersOf(tenant: string) {
  return { authorization: `Bearer ${tokenOf(tenant)}` }
}

function tokenOf(tenant: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const said = `${part({ alg: 'HS256' })}.${part({ tenant, scope: 'admin', sub: 'ann', exp: 4_000_000_000 })}`
  return `${said}.${createHmac('sha256', secret).update(said).digest('base64url')}`
}
