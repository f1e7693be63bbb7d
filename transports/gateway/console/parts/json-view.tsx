/** Data as it is, laid out; text that holds JSON is shown as what it holds. */
export function JsonView({ value, label }: { readonly value: unknown; readonly label: string }) {
  return (
    <pre class="json" role="region" tabIndex={0} aria-label={label}>
      {laidOut(value)}
    </pre>
  )
}

export function laidOut(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value, null, 2) ?? ''
  try {
    return JSON.stringify(JSON.parse(value), null, 2)
  } catch {
    return value
  }
}
