/** An element with text or children; text is never read as HTML. */
export function element(name, fields = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(fields)) {
    if (key === 'dataset') Object.assign(made.dataset, value)
    else if (key in made) made[key] = value
    else made.setAttribute(key, value)
  }
  made.append(...children)
  return made
}

export const byId = (id) => document.getElementById(id)

/** JSON for a person: text that is JSON is laid out, any other stays as it is. */
export function pretty(value) {
  if (typeof value !== 'string') return JSON.stringify(value, null, 2)
  try {
    return JSON.stringify(JSON.parse(value), null, 2)
  } catch {
    return value
  }
}
