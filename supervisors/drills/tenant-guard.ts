/**
 * A drill kills processes and fills journals: it must not happen to people who work. It runs against a cluster only as a
 * tenant that is marked for it by its name.
 */
export const DRILL_TENANT = 'drill'
const marked = /^drill([-_.].+)?$/

/** Why a drill must not run as this tenant; undefined when it may. */
export function refusal(tenant: string | undefined, thisIsProduction: boolean): string | undefined {
  if (thisIsProduction) return undefined
  if (tenant === undefined) return 'whose sessions they would be it does not say'
  if (marked.test(tenant)) return undefined
  return (
    `its sessions would belong to the tenant ${tenant}; use one named ${DRILL_TENANT} or ${DRILL_TENANT}-… ` +
    '(SOMA_TENANT_ID, or a token of it), or say --in-production if that is what you want'
  )
}
