/** How figures are said, the same in every row. */

export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

export function distribution(samples: readonly number[], last: 'p99' | 'max' = 'p99'): string {
  return `p50 ${ms(percentile(samples, 0.5))}, ${last} ${ms(percentile(samples, last === 'max' ? 1 : 0.99))}`
}

export function ms(value: number): string {
  return `${value >= 100 ? Math.round(value) : value.toFixed(value >= 10 ? 1 : 2)} ms`
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}

export function bytes(value: number): string {
  return value >= 1e6 ? `${Math.round(value / 1e6)} MB` : `${count(value)} bytes`
}
