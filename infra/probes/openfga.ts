import type { OpenFgaConfig } from '../config/config-services.ts'
import { neededTypes } from '../policy/openfga/questions.ts'
import { storeQuestion } from '../policy/openfga/store.ts'
import { askHttp, askHttpOk, type HttpPlace, httpPlace, reachHttp, refusal } from './http.ts'
import { at, type Probe, Trouble } from './probe.ts'

const KEY = 'the access rules of OpenFGA'
const PREPARE = '`npm run openfga:prepare`'

export function openFgaProbe({ url, store }: OpenFgaConfig, required: boolean): Probe {
  const place = httpPlace(url, 'OPENFGA_API_URL', 'OpenFGA')
  return {
    name: 'openfga',
    required,
    place,
    async look(signal) {
      await reachHttp(place, signal)
      await askHttpOk(place, '/healthz', KEY, signal)
      const { id, name } = await storeOf(store, place, signal)
      await checkModel(id, place, signal)
      return `OpenFGA, store ${name === '' ? id : `${name} (${id})`}`
    },
  }
}

async function storeOf(store: string, place: HttpPlace, signal: AbortSignal): Promise<{ id: string; name: string }> {
  const { path, pick } = storeQuestion(store)
  const answer = await askHttp(place, path, signal)
  const found = answer.status === 200 ? pick(answer.json) : undefined
  if (found) return found
  if (answer.status !== 200 && answer.status !== 404 && answer.status !== 400) throw refusal(answer, path, KEY, place)
  const detail = `${at(place)} has no store ${store} (OPENFGA_STORE_ID)`
  throw new Trouble('wrong-database', detail, `Create one with our model: ${PREPARE}; or correct OPENFGA_STORE_ID.`)
}

async function checkModel(storeId: string, place: HttpPlace, signal: AbortSignal): Promise<void> {
  const path = `/stores/${storeId}`
  const newest = await askHttp(place, `${path}/authorization-models?page_size=1`, signal)
  if (newest.status !== 200) throw refusal(newest, `${path}/authorization-models`, KEY, place)
  const { authorization_models: models = [] } = Object(newest.json) as {
    authorization_models?: readonly { readonly type_definitions?: readonly { readonly type?: string }[] }[]
  }
  const types = models[0]?.type_definitions?.map(({ type }) => type) ?? []
  const missing = neededTypes.filter((type) => !types.includes(type))
  if (missing.length === 0) return
  throw new Trouble(
    'misconfigured',
    `the model of store ${storeId} at ${at(place)} has no ${missing.join(', ')}`,
    `Write infra/policy/openfga/model.json to it: ${PREPARE}.`,
  )
}
