/** What the inspection routes answer, as far as the commands read it. */

export interface PendingAnswer {
  readonly step_mode: boolean
  readonly paused: boolean
  readonly pending: null | {
    readonly hold: number
    readonly since: string
    readonly before: 'model' | 'call'
    readonly messages: readonly {
      readonly position: number
      readonly message: { readonly role: string; readonly content: string }
    }[]
    readonly calls: readonly { readonly call_id: string; readonly tool: string; readonly arguments: string }[]
  }
}

export interface DryRunAnswer {
  readonly at: number
  readonly baseline: DryRunAnswerSide
  readonly fork: DryRunAnswerSide
  readonly difference: {
    readonly changed: boolean
    readonly text: readonly { readonly op: '=' | '-' | '+'; readonly line: string }[]
    readonly tokens: number
    readonly cost_usd: number
  }
}

interface DryRunAnswerSide {
  readonly source: string
  readonly ended: string
  readonly outcome: string | null
  readonly model_calls: number
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number; readonly cost_usd: number }
  readonly tool_calls: readonly {
    readonly tool: string
    readonly args: unknown
    readonly status: string | null
    readonly from: string
  }[]
}
