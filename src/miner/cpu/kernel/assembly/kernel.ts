// What the wasm module exports. Memory is laid out by the caller (../kernel.ts), from heapBase() on.
export { hash, tickets, factors, permutations } from './blake3';
export { packLeft, packRight, packRight16, gemm } from './gemm';
export { panelBytes, packRows, packColumns, gemm16, poolSum } from './products';
export { addNoise, project, widen, quantize, toFloat } from './noise';

export function heapBase(): usize {
  return __heap_base;
}
