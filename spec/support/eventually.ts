/** Resolves when the condition holds, looked at every few milliseconds; fails with what was waited for. */
export function eventually(condition: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  return new Promise((resolve, reject) => {
    const until = performance.now() + withinMs
    let looking = false
    const timer = setInterval(() => {
      if (looking) return
      looking = true
      Promise.resolve()
        .then(condition)
        .then((holds) => {
          looking = false
          if (!holds && performance.now() < until) return
          clearInterval(timer)
          if (holds) resolve()
          else reject(new Error(`not within ${withinMs} ms: ${condition}`))
        })
        .catch((error) => {
          clearInterval(timer)
          reject(error)
        })
    }, 5)
  })
}
