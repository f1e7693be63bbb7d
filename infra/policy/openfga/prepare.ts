import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { Agent } from 'undici'
import { packageRoot } from '../../package-root.ts'
import { callService } from '../service-call.ts'
import { type Store, storeQuestion } from './store.ts'

const here = path.join(packageRoot, 'infra/policy/openfga')

interface Model {
  readonly type_definitions?: readonly { readonly type?: string; readonly relations?: object }[]
}

/**
 * A store of that name with our model and the tuples of the default policy (harmless tools are open to everybody); what is there already is left as it is, so
 * that it may run at every deployment. Tuples that an operator wrote stay; the shipped ones are written to a new store only.
 */
export async function prepareStore(url: string, name: string): Promise<Store & { readonly made: string }> {
  const dispatcher = new Agent()
  const signal = AbortSignal.timeout(20_000)
  const call = (route: string, body?: unknown) =>
    callService({ service: 'OpenFGA', url: `${url}${route}`, dispatcher, signal, ...(body !== undefined && { body }) })
  try {
    const { path: question, pick } = storeQuestion(name)
    const known = pick(await call(question))
    const store = known ?? (Object(await call('/stores', { name })) as Store)
    const model = await read<Model>('model.json')
    const { authorization_models: models = [] } = Object(
      await call(`/stores/${store.id}/authorization-models?page_size=1`),
    ) as { authorization_models?: readonly Model[] }
    const current = models[0] !== undefined && isDeepStrictEqual(typesOf(models[0]), typesOf(model))
    if (!current) await call(`/stores/${store.id}/authorization-models`, model)
    if (!known) await call(`/stores/${store.id}/write`, { writes: { tuple_keys: await read('tuples.json') } })
    const made = known
      ? current
        ? 'nothing'
        : 'the model'
      : 'the store, the model and the tuples of the default policy'
    return { id: store.id, name, made }
  } finally {
    await dispatcher.destroy()
  }
}

async function read<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(path.join(here, file), 'utf8'))
}

/** Relations by type; the server adds empty fields of its own, so the definitions are not compared whole. */
function typesOf(model: Model) {
  return (model.type_definitions ?? []).map(({ type, relations }) => [type, Object.keys(relations ?? {}).sort()])
}
