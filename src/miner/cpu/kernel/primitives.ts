/**
 * Products for an executor in the kernel's memory (assembly/products.ts, cached.ts). Addresses and strides are bytes.
 * Nothing is written past the rows and columns named; up to 6 bytes past a row of a left operand may be read.
 */
export interface Primitives {
  /** Bytes of the panels of n columns of depth k. */
  panelBytes(n: number, k: number): number;
  /** Panels of a right operand from its n columns, each k int16 in a row. */
  packRows(from: number, stride: number, n: number, k: number, to: number): void;
  /** The same from k rows of n int16. */
  packColumns(from: number, stride: number, n: number, k: number, to: number): void;
  /**
   * C (m×n int32) = left (m rows of k int16) · panels. Where `columns` ≥ 0, row i wants its columns ≤ i + columns
   * alone, and those after it come out exact or 0; where `depths` ≥ 0, row i's entries after i + depths must be 0, and
   * are left out where that saves work. −1: no limit.
   */
  gemm16(
    left: number,
    stride: number,
    panels: number,
    c: number,
    cStride: number,
    m: number,
    n: number,
    k: number,
    columns: number,
    depths: number,
  ): void;
  /** C (m×n int32) = left (m rows of k int16) · right, whose n columns are each k in a row, of `bytes` an entry. */
  gemmByColumns(
    left: number,
    stride: number,
    right: number,
    column: number,
    bytes: 1 | 2,
    c: number,
    cStride: number,
    m: number,
    n: number,
    k: number,
  ): void;
  /** The same of a right operand whose k rows are n entries each. */
  gemmByRows: Primitives['gemmByColumns'];
}
