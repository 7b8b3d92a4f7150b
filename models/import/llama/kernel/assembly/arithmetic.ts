// The importer's arithmetic. Every result is a function of its operands alone: sums have one order, which neither the
// number of rows nor their place among others changes; no operation of relaxed SIMD, no import of the engine's functions.
// AssemblyScript's Math is compiled in, so that exp, log, pow, sin and cos have the same bits in every engine.

export { packColumns, packRows, product, transpose } from './products';
export { inverseRoot, roundRows } from './gptq';
export { addWide, gateRows, normRows, softmaxRows, turnRows } from './rows';

export function exp(x: f64): f64 {
  return Math.exp(x);
}

export function log(x: f64): f64 {
  return Math.log(x);
}

export function pow(x: f64, y: f64): f64 {
  return Math.pow(x, y);
}

export function sin(x: f64): f64 {
  return Math.sin(x);
}

export function cos(x: f64): f64 {
  return Math.cos(x);
}

/** First byte that the module's own data leaves free. */
export function heapBase(): usize {
  return __heap_base;
}
