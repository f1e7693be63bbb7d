import { dashed, uuidOf } from '../../actors/kernel/name-uuid.ts'

export { dashed, uuidOf }

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function isUuid(text: string): boolean {
  return UUID.test(text)
}

/** A UUID is taken as it is; any other name belongs to its tenant, so equal names of two tenants never meet. */
export function sessionIdOf(tenant: string, name: string): string {
  return isUuid(name) ? name.toLowerCase() : uuidOf('session', tenant, name)
}

/**
 * Whether a session may begin under the name that a request gives. A UUID of version 5 is what names become: whoever guesses a
 * tenant's names could begin sessions under their ids before that tenant does, and shut it out of its own.
 */
export function mayBegin(name: string | undefined): boolean {
  return name === undefined || !isUuid(name) || name[14] !== '5'
}

/** `resp_` and `conv_` ids of the OpenAI surface hold UUIDs without their dashes. */
export function undashed(uuid: string): string {
  return uuid.replaceAll('-', '')
}
