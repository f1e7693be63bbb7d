import type { ComponentChildren } from 'preact'

/** Nothing to show: why, and what to do so that there is something. */
export function Blank({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="blank">
      <p class="blank-title">{title}</p>
      {children && <p>{children}</p>}
    </div>
  )
}

/** Rows that will come; announced once, drawn still for who wants no motion. */
export function Loading({ rows = 6 }: { readonly rows?: number }) {
  return (
    <div class="loading" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        // they are all alike.
        <span key={row} />
      ))}
    </div>
  )
}
