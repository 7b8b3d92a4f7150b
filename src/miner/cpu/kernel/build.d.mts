/** Text of kernel-wasm.ts, compiled from assembly/. */
export function buildKernel(): Promise<string>;
/** Text of relaxed-wasm.ts. */
export function buildRelaxed(): Promise<string>;
