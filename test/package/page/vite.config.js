import { readdirSync } from 'node:fs';
import { pila } from 'pila/vite';

const pages = readdirSync('examples/page').filter((name) => name.endsWith('.html'));

export default {
  plugins: [pila()],
  build: {
    target: 'esnext',
    rolldownOptions: { input: pages.map((name) => `examples/page/${name}`) },
  },
};
