import { signal } from '@preact/signals'
import { ProblemError } from '../api/problem.ts'
import { Icon } from '../parts/icon.tsx'

export interface Toast {
  readonly id: number
  readonly tone: 'good' | 'bad' | 'plain'
  readonly text: string
  readonly remedy?: string
  readonly code?: string
}

const GOOD_MS = 5_000
const toasts = signal<readonly Toast[]>([])
let newest = 0

/** Good news goes by itself; bad news stays until it is put away. */
export function toast(text: string, tone: Toast['tone'] = 'good', more: Pick<Toast, 'remedy' | 'code'> = {}): void {
  const id = ++newest
  toasts.value = [...toasts.value.slice(-3), { id, tone, text, ...more }]
  if (tone !== 'bad') setTimeout(() => dismiss(id), GOOD_MS)
}

export function toastError(error: unknown): void {
  if (error instanceof ProblemError) {
    const { code, title, detail, remedy } = error.problem
    toast(`${title}: ${detail}`, 'bad', { code, remedy })
  } else toast((error as Error).message, 'bad')
}

/** Does the work, says that it is done, or why not. Resolves with whether it went well. */
export async function attempt(work: () => Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await work()
    if (done) toast(done)
    return true
  } catch (error) {
    toastError(error)
    return false
  }
}

function dismiss(id: number) {
  toasts.value = toasts.value.filter((one) => one.id !== id)
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, tone, text, remedy, code }) => (
        <div key={id} class="toast" data-tone={tone}>
          <div>
            {code && <code>{code}</code>} {text}
            {remedy && <p class="quiet">{remedy}</p>}
          </div>
          <button type="button" class="ghost icon" aria-label="Dismiss" onClick={() => dismiss(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  )
}
