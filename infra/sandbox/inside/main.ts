import { serve } from './serve.ts'

/** The program of a capsule: its language and its memory in megabytes are the arguments. */
const [language, megabytes] = process.argv.slice(2)
const memoryBytes = Number(megabytes) * 1_048_576

await serve(async () =>
  language === 'python'
    ? (await import('./python.ts')).loadPython(memoryBytes)
    : (await import('./javascript.ts')).loadJavaScript(memoryBytes),
)
