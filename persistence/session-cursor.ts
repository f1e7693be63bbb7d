import { Failure } from '../actors/kernel/failure.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function isUuid(text: string): boolean {
  return UUID.test(text)
}

export function refuseUnlessUuid(sessionId: string): void {
  if (!isUuid(sessionId)) throw new Failure('INVALID_REQUEST', `a session id is a UUID, not ${sessionId.slice(0, 100)}`)
}

/** `updatedAt|sessionId` of the last row seen. */
export function parseCursor(before: string | undefined): { updatedAt: number; sessionId: string } | undefined {
  if (before === undefined) return undefined
  const [updatedAt = '', sessionId = ''] = before.split('|')
  if (!/^\d{1,15}$/.test(updatedAt) || !isUuid(sessionId)) throw new Failure('INVALID_CURSOR', before.slice(0, 100))
  return { updatedAt: Number(updatedAt), sessionId }
}
