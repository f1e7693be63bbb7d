/** `components` at length one; undefined where they have no direction: all zero, or not numbers. */
export function unitVector(components: ArrayLike<number>): Float32Array | undefined {
  let square = 0
  for (let i = 0; i < components.length; i++) square += (components[i] as number) ** 2
  const length = Math.sqrt(square)
  if (!(length > 0 && Number.isFinite(length))) return undefined
  return Float32Array.from(components, (component) => component / length)
}
