import { signal } from '@preact/signals'
import { Dialog } from './dialog.tsx'
import { registered } from './keys.ts'

export const keyHelpShown = signal(false)

const lists = {
  where: 'In lists',
  bindings: [
    { keys: 'j k ↑ ↓', does: 'Next, previous' },
    { keys: 'Home End PageUp PageDown', does: 'Far' },
    { keys: 'Enter', does: 'Open' },
  ],
}

export function KeyHelp() {
  if (!keyHelpShown.value) return null
  return (
    <Dialog label="Keys" class="key-help" onClose={() => (keyHelpShown.value = false)}>
      <h2>Keys</h2>
      <div class="key-groups">
        {[...registered.value, lists].map(({ where, bindings }) => (
          <section key={where}>
            <h3>{where}</h3>
            <dl>
              {bindings.map(
                ({ keys, does }) =>
                  keys && (
                    <div key={keys}>
                      <dt>
                        {keys.split(' ').map((key) => (
                          <kbd key={key}>{key.replace('Mod+', 'Ctrl ')}</kbd>
                        ))}
                      </dt>
                      <dd>{does}</dd>
                    </div>
                  ),
              )}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  )
}
