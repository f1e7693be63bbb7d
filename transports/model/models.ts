import { Agent } from 'undici'
import type { Clock, Ids } from '../../actors/kernel/clock.ts'
import { Failure } from '../../actors/kernel/failure.ts'
import type { Logger } from '../../actors/kernel/telemetry.ts'
import type { ModelChoice, ModelRole, Models } from './client.ts'
import { discover, type LocalServer, listModels, usualLocalServers } from './discovery.ts'
import { type EndpointConfig, endpointOf } from './endpoint.ts'
import { FIRST_MODEL } from './model-list.ts'
import { OpenAiCompatible } from './openai-compatible.ts'
import { createRehearsal, isRehearsal, rehearsalNames } from './rehearsal.ts'

export interface ModelsConfig {
  readonly dialogue: RoleConfig
  /** Undefined: escalation is answered by the dialogue model. */
  readonly escalation?: RoleConfig | undefined
  /** Whether to look for a local server when no endpoint is configured. */
  readonly discover: boolean
  readonly localServers?: readonly LocalServer[]
}

export interface RoleConfig {
  /** `rehearsal/…` means that this role reaches no network, whatever else is set. Undefined: the first the endpoint lists. */
  readonly model?: string | undefined
  readonly baseUrl?: string | undefined
  readonly apiKey?: string | undefined
  /** Micro-dollars per million tokens. */
  readonly promptPrice?: number
  readonly completionPrice?: number
  readonly contextTokens?: number
  /** Undefined: as the endpoint's model list says, else no. */
  readonly images?: boolean | undefined
}

export interface EndpointHealth {
  readonly role: ModelRole
  readonly model: string
  readonly source: string
  readonly reachable: boolean
  readonly detail: string
  /** What to do, when it is not reachable. */
  readonly remedy?: string
}

/** Models, and what `soma doctor` and /readyz ask of them. */
export interface ReachableModels extends Models {
  /** Never throws; takes 2 s at most. */
  probe(): Promise<readonly EndpointHealth[]>
  /** Ends every call in flight. */
  close(): Promise<void>
}

interface Means {
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Logger
}

/** A role's way to a model. `known` undefined: any name passes, for only the endpoint knows them. */
interface Route {
  readonly choice: ModelChoice
  readonly source: string
  readonly endpoint?: EndpointConfig
  readonly known?: readonly string[]
}

const DEFAULT_CONTEXT = 128_000
const PROBE_LIMIT_MS = 2_000
/** For an endpoint whose model is not named: long enough for a far one, and a start never waits longer. */
const LIST_LIMIT_MS = 1_000

export async function createModels(config: ModelsConfig, means: Means): Promise<ReachableModels> {
  checkRehearsalName('SOMA_MODEL', config.dialogue.model)
  checkRehearsalName('SOMA_ESCALATION_MODEL', config.escalation?.model)
  const dispatcher = new Agent({ keepAliveTimeout: 30_000 })
  const rehearsal = createRehearsal(means)

  function rehearse(model: string, source: string, role: RoleConfig): Route {
    const contextTokens = role.contextTokens ?? DEFAULT_CONTEXT
    return { choice: { client: rehearsal, model, promptPrice: 0, completionPrice: 0, contextTokens }, source }
  }

  function reach(endpoint: EndpointConfig, model: string, source: string, role: RoleConfig): Route {
    const client = new OpenAiCompatible(endpointOf(endpoint), { ...means, dispatcher })
    return { choice: { client, model, ...pricing(role) }, source, endpoint }
  }

  async function configured(endpoint: EndpointConfig, role: RoleConfig): Promise<Route> {
    const { shown } = endpointOf(endpoint)
    if (role.model !== undefined) return reach(endpoint, role.model, shown, role)
    const answer = await listModels(endpoint, means.clock, dispatcher, LIST_LIMIT_MS)
    const first = answer.ok ? answer.models[0] : undefined
    // An endpoint that is down now must not stop the start: it is asked again at the first call.
    if (first === undefined)
      means.log.warn({ endpoint: shown, ...answer }, 'no model is named and none could be listed')
    const images = role.images ?? (answer.ok && first !== undefined && answer.images.includes(first))
    return reach(endpoint, first ?? FIRST_MODEL, shown, { ...role, images })
  }

  async function dialogueRoute(role: RoleConfig): Promise<Route> {
    if (role.model !== undefined && isRehearsal(role.model))
      return rehearse(role.model, 'built in, as configured', role)
    const endpoint = endpointIn(role)
    if (endpoint) return configured(endpoint, role)
    if (!config.discover) return rehearse('rehearsal/demo', 'built in; no endpoint is configured', role)
    const servers = config.localServers ?? usualLocalServers
    const found = await discover(servers, means.clock, dispatcher)
    if (found) {
      const source = `${found.server.name} at ${found.server.baseUrl}`
      const model = role.model ?? found.first
      const images = role.images ?? found.images.includes(model)
      return { ...reach(found.server, model, source, { ...role, images }), known: found.models }
    }
    if (role.model) means.log.warn({ model: role.model }, 'a model is named, but there is no endpoint to serve it')
    const places = servers.map((server) => `${server.name} at ${server.baseUrl}`).join(', ')
    return rehearse('rehearsal/demo', `built in; no endpoint is configured and none found (${places})`, role)
  }

  async function escalationRoute(role: RoleConfig, dialogue: Route): Promise<Route> {
    if (role.model !== undefined && isRehearsal(role.model))
      return rehearse(role.model, 'built in, as configured', role)
    const endpoint = endpointIn(role)
    if (endpoint) return configured(endpoint, role)
    if (role.model === undefined || !dialogue.endpoint) return dialogue
    return { ...dialogue, choice: { ...dialogue.choice, ...pricing(role), model: role.model } }
  }

  const dialogue = await dialogueRoute(config.dialogue)
  const escalation = config.escalation ? await escalationRoute(config.escalation, dialogue) : dialogue
  const routes: Readonly<Record<ModelRole, Route>> = { dialogue, escalation }

  async function probeRoute(role: ModelRole, route: Route): Promise<EndpointHealth> {
    const about = { role, model: route.choice.model, source: route.source }
    if (!route.endpoint) return { ...about, reachable: true, detail: 'the rehearsal model needs no network' }
    const answer = await listModels(route.endpoint, means.clock, dispatcher, PROBE_LIMIT_MS)
    if (answer.ok) return { ...about, reachable: true, detail: `lists ${answer.models.length} models` }
    const prefix = role === 'dialogue' ? 'OPENAI' : 'SOMA_ESCALATION'
    const remedy = `Start the model server or correct ${prefix}_BASE_URL and ${prefix}_API_KEY; SOMA_MODEL=rehearsal/demo needs neither.`
    return { ...about, reachable: false, detail: answer.detail, remedy }
  }

  return {
    choose(role, name) {
      const own = routes[role]
      if (name === undefined || name === own.choice.model) return own.choice
      if (isRehearsal(name)) return rehearse(name, 'built in', config.dialogue).choice
      if (name.startsWith('rehearsal/')) return undefined
      // A name that is the other role's model belongs to that role's endpoint.
      const other = [dialogue, escalation].find((route) => route.choice.model === name)
      if (other) return other.choice
      if (!own.endpoint || (own.known && !own.known.includes(name))) return undefined
      // The price of another model is not known; the configured one is nearer than none, which would void the budgets.
      return { ...own.choice, model: name }
    },

    list() {
      const chosen = [
        { id: dialogue.choice.model, role: 'dialogue' as const, source: dialogue.source },
        { id: escalation.choice.model, role: 'escalation' as const, source: escalation.source },
      ].slice(0, escalation === dialogue ? 1 : 2)
      const taken = new Set(chosen.map((entry) => entry.id))
      const known = (dialogue.known ?? []).map((id) => ({ id, source: dialogue.source }))
      const rehearsals = rehearsalNames.map((id) => ({ id, source: 'built in' }))
      return [...chosen, ...[...known, ...rehearsals].filter((entry) => !taken.has(entry.id))]
    },

    probe() {
      const health = [probeRoute('dialogue', dialogue)]
      if (escalation !== dialogue) health.push(probeRoute('escalation', escalation))
      return Promise.all(health)
    },

    close: () => dispatcher.destroy(),
  }
}

function endpointIn(role: RoleConfig): EndpointConfig | undefined {
  return role.baseUrl === undefined ? undefined : { baseUrl: role.baseUrl, apiKey: role.apiKey }
}

function pricing(role: RoleConfig): Pick<ModelChoice, 'promptPrice' | 'completionPrice' | 'contextTokens' | 'images'> {
  const { promptPrice = 0, completionPrice = 0, contextTokens = DEFAULT_CONTEXT, images = false } = role
  return { promptPrice, completionPrice, contextTokens, images }
}

/** A misspelt rehearsal must not be sent to a real endpoint as the name of a model. */
function checkRehearsalName(variable: string, name: string | undefined): void {
  if (name?.startsWith('rehearsal/') && !isRehearsal(name)) {
    throw new Failure('CONFIG_INVALID', `${variable}: there is no ${name}; there are ${rehearsalNames.join(', ')}`)
  }
}
