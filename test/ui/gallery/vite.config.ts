import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  logLevel: 'warn',
  plugins: [svelte()],
  worker: { format: 'es' },
  // Not how long plugins took: it is no matter here.
  build: {
    target: 'esnext',
    emptyOutDir: true,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
