import { defineConfig } from 'vite'

/** The console's build; infra/build.mjs runs it beside tsc, with the folder it shall write to. */
export default defineConfig({
  root: import.meta.dirname,
  // Hashed files: the gateway lets browsers keep them for good (routes/pages.ts).
  base: '/console/',
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    emptyOutDir: true,
    target: 'es2022',
    // The page's policy takes no data: fonts or scripts, and the polyfill is for browsers that we do not serve.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
  },
})
