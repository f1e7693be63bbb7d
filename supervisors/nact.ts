/// <reference types="nact" />
// The door to nact. Its package has types for `nact` as an ambient module only, and is CommonJS whose names Node cannot
// see, hence the reference and the default import.
import type { Ref, SupervisionContext } from 'nact'
import nact from 'nact'

/** A nact actor or system. Never leaves supervisors/: nact's own Ref is structurally empty, so anything passes for it. */
export type NactRef = Ref<never>
export type NactSupervision = SupervisionContext<never, NactRef>

export const startNact = nact.start as (options: { name: string }) => NactRef
export const stopNact = nact.stop as (ref: NactRef) => void
export const dispatch = nact.dispatch as (ref: NactRef, message: object) => void
/** Messages name what they are for, so that neither function needs a closure per actor: 300 bytes of each. */
export const spawnNact = nact.spawn as unknown as <State, Message>(
  parent: NactRef,
  handle: (state: State, message: Message) => State | Promise<State> | Promise<void>,
  name: string,
  options: { readonly onCrash?: (message: Message, error: unknown, context: NactSupervision) => symbol },
) => NactRef
