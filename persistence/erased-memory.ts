/**
 * The data of a MemoryRemembered whose memory is no more: the fact stays, who asked for it and when; what was remembered does
 * not. On a database it is done by migrations/0007-erase-forgotten.sql, in the same words.
 */
export function erasedMemory(data: unknown): unknown {
  const { memory, ...fact } = data as { readonly memory: object }
  return { ...fact, erased: true, contentHash: '', memory: { ...memory, text: '', value: null, tags: [] } }
}
