import { Component, type ComponentType, h } from 'preact'

/** Draws a component again only when one of its props is another. */
export function memo<Props extends object>(Drawn: ComponentType<Props>): ComponentType<Props> {
  return class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      const before = this.props as Record<string, unknown>
      const names = Object.keys(next)
      return names.some((name) => (next as Record<string, unknown>)[name] !== before[name])
    }
    override render() {
      return h(Drawn, this.props as Props)
    }
  }
}
