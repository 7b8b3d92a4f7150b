/** Text of kernel-wasm.ts, compiled from assembly/. */
export function buildKernel(): Promise<string>;
