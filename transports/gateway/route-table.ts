/** Which methods a path takes, asked only when the router found nothing: for 405 and its Allow header. */
export class RouteTable {
  readonly #routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = []

  add(method: string | string[], url: string): void {
    const pattern = url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:[A-Za-z_]+/g, '[^/]+')
    this.#routes.push({ pattern: new RegExp(`^${pattern}/?$`), methods: [method].flat() })
  }

  methodsOf(path: string): string[] {
    const methods = this.#routes.filter((route) => route.pattern.test(path)).flatMap((route) => route.methods)
    return [...new Set(methods)].sort()
  }
}
