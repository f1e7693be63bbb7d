import type { PolicyInput } from '../../../actors/kernel/policy.ts'

/** Types of model.json, without which none of our questions can be answered. */
export const neededTypes = ['user', 'tenant', 'session', 'tool', 'memory'] as const

interface Tuple {
  readonly user: string
  readonly relation: string
  readonly object: string
}

export interface Question {
  readonly tuple_key: Tuple
  /** Facts that hold by construction, so that nobody has to write them for every tenant and session. */
  readonly contextual_tuples: { readonly tuple_keys: readonly Tuple[] }
}

/** What OpenFGA is asked for one input. Only the tenant and the resource count: both come from the journal, not a client. */
export function questionFor({ tenant, action, resource }: PolicyInput): Question {
  const owner = `tenant:${plain(tenant)}`
  const user = `user:tenant/${plain(tenant)}`
  const member = { user, relation: 'member', object: owner }
  const ask = (relation: string, object: string, ...facts: readonly Tuple[]): Question => ({
    tuple_key: { user, relation, object },
    contextual_tuples: { tuple_keys: [member, ...facts] },
  })
  const within = (object: string): Tuple => ({ user: owner, relation: 'tenant', object })
  switch (action) {
    case 'tool.execute':
      return ask('can_execute', `tool:${plain(resource)}`)
    case 'memory.write': {
      const memory = `memory:${plain(tenant)}`
      return ask('can_write', memory, within(memory))
    }
    case 'conversation.send': {
      const session = `session:${plain(tenant)}/${plain(resource)}`
      return ask('can_send', session, within(session))
    }
  }
}

/** Names may hold anything; in OpenFGA `:`, `#`, `@` and `*` have meanings, and `*` would be everybody. */
function plain(name: string): string {
  return encodeURIComponent(name).replaceAll('*', '%2A')
}
