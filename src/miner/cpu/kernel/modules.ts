/** The kernel's two WebAssembly modules on one memory: one that runs everywhere, and one of relaxed SIMD. */
import { KERNEL_WASM } from './kernel-wasm.ts';
import type { Primitives } from './primitives.ts';
import { RELAXED_WASM } from './relaxed-wasm.ts';

type Call = (...args: number[]) => number;

export type Exports = Record<
  | 'hash'
  | 'tickets'
  | 'factors'
  | 'permutations'
  | 'packWeights'
  | 'unpackWeights'
  | 'columnSums'
  | 'turnWeights'
  | 'turnRows'
  | 'addNoise'
  | 'project'
  | 'pairBytes'
  | 'pairSums'
  | 'noisySlab'
  | 'gemmWide'
  | 'widen'
  | 'quantize'
  | 'toFloat'
  | 'heapBase',
  Call
> & { memory: WebAssembly.Memory } & Primitives;

/** Of the relaxed module (assembly/relaxed). */
export type Relaxed = Record<'raise' | 'rowSums' | 'gemmPairs' | 'gemmSingles', Call>;

const bytesOf = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll('\n', '')), (c) => c.charCodeAt(0));

let compiled: Promise<readonly [WebAssembly.Module, WebAssembly.Module | undefined]> | undefined;

/** Undefined in place of the second where the engine has no relaxed SIMD. */
async function compileModules(): Promise<
  readonly [WebAssembly.Module, WebAssembly.Module | undefined]
> {
  const relaxed = bytesOf(RELAXED_WASM);
  const isKnown = WebAssembly.validate(relaxed);
  return Promise.all([
    WebAssembly.compile(bytesOf(KERNEL_WASM)),
    isKnown ? WebAssembly.compile(relaxed) : undefined,
  ]);
}

const abort = (): never => {
  throw new Error('kernel aborted');
};

/** New instances on a memory of their own. */
export async function instantiateKernel(): Promise<{ wasm: Exports; relaxed?: Relaxed }> {
  const [kernel, second] = await (compiled ??= compileModules());
  const { exports } = await WebAssembly.instantiate(kernel, { env: { abort } });
  const wasm = exports as unknown as Exports;
  if (!second) return { wasm };
  const imports = { env: { abort, memory: wasm.memory } };
  const { exports: relaxed } = await WebAssembly.instantiate(second, imports);
  return { wasm, relaxed: relaxed as unknown as Relaxed };
}
