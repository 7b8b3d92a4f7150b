/** For vite.config: the package's workers are modules that import others, and find their files by their own address. */
export const pila = () => ({
  name: 'pila',
  config: () => ({
    worker: { format: 'es' },
    optimizeDeps: { exclude: ['pila', 'onnxruntime-web'] },
  }),
});
