import type { FastifyRequest } from 'fastify'
import { Failure } from '../../../actors/kernel/failure.ts'
import type { GatewayContext } from '../gateway.ts'
import { type GivenFile, refuse } from './content-part.ts'

/** Of a whole conversation that a client sends again: as many as a session takes in the history of one turn. */
const MAX_FILES = 100

/** I9: how many and how large, before anything is stored. */
export function checkFiles(
  { config, limits, heldBytes, fetchFile }: Pick<GatewayContext, 'config' | 'limits' | 'heldBytes' | 'fetchFile'>,
  request: FastifyRequest,
  ofTurn: readonly GivenFile[],
  all: readonly GivenFile[],
): void {
  const { files, fileBytes } = config.uploads
  const [beyond] = ofTurn.slice(files)
  if (beyond) refuse(beyond.path, `a turn takes ${files} images and files at most.`, 'UPLOAD_TOO_LARGE')
  const [past] = all.slice(MAX_FILES)
  if (past) {
    refuse(
      past.path,
      `a request takes ${MAX_FILES} images and files at most: name its session instead.`,
      'UPLOAD_TOO_LARGE',
    )
  }
  for (const { path, from } of all) {
    if ('sha256' in from && from.size > fileBytes) {
      refuse(path, `it has ${from.size} bytes, more than the ${fileBytes} allowed.`, 'UPLOAD_TOO_LARGE')
    }
    if ('url' in from && !fetchFile) {
      refuse(
        path,
        'URLs are not fetched here: send it as a data: URL (data:image/png;base64,…).',
        'CONTENT_NOT_FETCHED',
      )
    }
  }
  // The larger body was for the files alone, which are hashes by now.
  if (!heldBytes.isLarge(request)) return
  const rest = Buffer.byteLength(JSON.stringify(request.body))
  if (rest > limits.bodyBytes) {
    throw new Failure(
      'PAYLOAD_TOO_LARGE',
      `Without its files the body has ${rest} bytes; ${limits.bodyBytes} are taken.`,
    )
  }
}
