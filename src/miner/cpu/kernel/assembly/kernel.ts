// What the wasm module exports. Memory is laid out by the caller (../kernel.ts), from heapBase() on.
export { hash, tickets, factors, permutations } from './blake3';
export { packWeights, unpackWeights, columnSums, turnWeights, turnRows } from './weights';
export { addNoise, project, pairBytes, pairSums } from './noise';
export { noisySlab } from './noisy';
export { gemmWide, widen } from './plain';
export { gemmByColumns, gemmByRows } from './cached';
export { panelBytes, packRows, packColumns, gemm16 } from './products';
export { quantize, toFloat, toLogits } from './convert';

export function heapBase(): usize {
  return __heap_base;
}
