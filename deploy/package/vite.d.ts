/** A plugin of Vite. */
export declare const pila: () => {
  readonly name: 'pila';
  config(): { worker: { format: 'es' }; optimizeDeps: { exclude: string[] } };
};
