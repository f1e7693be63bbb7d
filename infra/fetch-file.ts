import { Failure } from '../actors/kernel/failure.ts'
import { guardedFetch } from '../actors/tool/catalogue/http/guarded-fetch.ts'
import { reachable } from '../actors/tool/catalogue/http/reachable.ts'
import type { FetchFile } from '../transports/gateway/gateway.ts'
import { ownAddresses } from './own-addresses.ts'

/** Files that clients name by URL, behind the guard of http_fetch and within the same exceptions. What type they are, nobody asks their server. */
export function fetchFile(allow: readonly string[]): FetchFile {
  const guard = reachable(allow, ownAddresses)
  return async (url, { signal, maxBytes }) => {
    const { status, body, cut } = await guardedFetch(url, 'GET', signal, { reachable: guard, maxBytes })
    if (status < 200 || status > 299) throw new Failure('TOOL_FAILED', `its server answers ${status}.`)
    if (cut) throw new Failure('UPLOAD_TOO_LARGE', `it has more than the ${maxBytes} bytes allowed.`)
    return body
  }
}
