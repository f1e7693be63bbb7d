/**
 * A drill kills processes and fills journals: it must not happen to people who work. It runs against a cluster only as a
 * tenant that is marked for it by its name.
 */
export const DRILL_TENANT = 'drill'
const marked = /^drill([-_.].+)?$/

export interface Target {
  /** Whether the cluster asks for tokens. */
  readonly auth: boolean
  /** Whose sessions the drill's would be, as far as it can be told. */
  readonly tenant: string | undefined
}

/** Why the drill must not run there; undefined when it may. */
export function refusal({ auth, tenant }: Target, thisIsProduction: boolean): string | undefined {
  if (thisIsProduction) return undefined
  if (tenant === undefined) return `whose sessions they would be cannot be told${auth ? ': give --token' : ''}`
  if (marked.test(tenant)) return undefined
  return (
    `its sessions would belong to the tenant ${tenant}; use one named ${DRILL_TENANT} or ${DRILL_TENANT}-…, ` +
    'or say --in-production if that is what you want'
  )
}

/** What a token says of its tenant. Unverified: it is only used to refuse, and the gateway verifies it anyway. */
export function tenantOf(token: string): string | undefined {
  const payload = token.split('.')[1]
  if (payload === undefined) return undefined
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Readonly<Record<string, unknown>>
    const tenant = claims.tenant ?? claims.org ?? claims.customer
    return typeof tenant === 'string' ? tenant : undefined
  } catch {
    return undefined
  }
}
