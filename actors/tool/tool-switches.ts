/** Tools that an operator has switched off, as this process knows it: late by a second or two (persistence/tool-switches.ts). */
export interface ToolSwitchboard {
  /** Why the tool is off for this tenant; undefined: it is on. */
  off(tool: string, tenant: string): { readonly why: string } | undefined
}

export const allOn: ToolSwitchboard = { off: () => undefined }
