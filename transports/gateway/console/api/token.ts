import { signal } from '@preact/signals'

/** The bearer token, when the gateway wants one: for this tab alone, gone with it. */

const NAME = 'soma-token'

/** Set while somebody waits for a token: the sign-in dialog is open, and answers whether one was given. */
export const tokenWanted = signal<((given: boolean) => void) | undefined>(undefined)

let asking: Promise<boolean> | undefined

export function token(): string | undefined {
  return sessionStorage.getItem(NAME) ?? undefined
}

export function keepToken(text: string): void {
  if (text === '') sessionStorage.removeItem(NAME)
  else sessionStorage.setItem(NAME, text)
}

/** One dialog for all requests that wait for it. */
export function askForToken(): Promise<boolean> {
  asking ??= new Promise<boolean>((resolve) => {
    tokenWanted.value = (given) => {
      tokenWanted.value = undefined
      asking = undefined
      resolve(given)
    }
  })
  return asking
}
