/** The kernel's two WebAssembly modules on one memory: one that runs everywhere, and one of relaxed SIMD. */
import { utf8 } from '../../../lib/bytes.ts';
import { KERNEL_WASM } from './kernel-wasm.ts';
import type { Primitives } from './primitives.ts';
import { RELAXED_WASM } from './relaxed-wasm.ts';

type Call = (...args: number[]) => number;

/** Of the module that runs everywhere (assembly/kernel.ts). */
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
  | 'toLogits'
  | 'heapBase',
  Call
> & { memory: WebAssembly.Memory } & Primitives;

/** Of the relaxed module (assembly/relaxed). */
export type Relaxed = Record<'raise' | 'rowSums' | 'gemmPairs' | 'gemmSingles' | 'gemmQuads', Call>;

/** What tells the kernel's code from any other. */
export const KERNEL_PROGRAM = utf8(KERNEL_WASM + RELAXED_WASM);

const bytesOf = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll('\n', '')), (c) => c.charCodeAt(0));

let compiled: Promise<readonly [WebAssembly.Module, WebAssembly.Module | undefined]> | undefined;

/** Undefined in place of the second where the engine has no relaxed SIMD, or an inexact one. */
async function compileModules(): Promise<
  readonly [WebAssembly.Module, WebAssembly.Module | undefined]
> {
  const relaxed = bytesOf(RELAXED_WASM);
  const kernel = await WebAssembly.compile(bytesOf(KERNEL_WASM));
  if (!WebAssembly.validate(relaxed)) return [kernel, undefined];
  const module = await WebAssembly.compile(relaxed);
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = await WebAssembly.instantiate(module, { env: { abort, memory } });
  return [kernel, isExact(exports as unknown as Relaxed, memory) ? module : undefined];
}

/** Columns, rows and depth of the probe: blocks of 4 and of 2 rows, and one row alone. */
const PROBE = { n: 16, m: 7, k: 16 } as const;

/**
 * Whether an engine's relaxed dots are exact at the ends of what they are used for: a dot that
 * took its second operand's range or a sum of two otherwise than assembly/relaxed says would differ here.
 */
export function isExact(relaxed: Relaxed, memory: WebAssembly.Memory): boolean {
  const { n, m, k } = PROBE;
  const [a, raised, panel, sums, c] = [1024, 2048, 3072, 4096, 5120] as const;
  const ends = [-1, 1];
  return ends.every((w) =>
    ends.every((x) => {
      new Int8Array(memory.buffer, panel, n * k).fill(63 * w);
      new Int32Array(memory.buffer, sums, n).fill(63 * 63 * w * k);
      const cells = new Int32Array(memory.buffer, c, m * n);
      new Int8Array(memory.buffer, a, m * k).fill(63 * x);
      relaxed.raise(a, m * k, raised);
      relaxed.gemmPairs(raised, panel, sums, c, m, n, k, 0, n);
      if (!cells.every((sum) => sum === 63 * 63 * w * x * k)) return false;
      new Int8Array(memory.buffer, a, m * k).fill(127 * x);
      relaxed.rowSums(a, m, k, sums);
      return [relaxed.gemmSingles, relaxed.gemmQuads].every((gemm) => {
        cells.fill(0);
        gemm(a, panel, sums, c, m, n, k, 0, n);
        return cells.every((sum) => sum === 127 * 63 * w * x * k);
      });
    }),
  );
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
