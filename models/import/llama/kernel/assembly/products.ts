// Products of float32 matrices. Each cell is Σ over t = 0, 1, 2, … of a·b in this order, every product and every sum
// rounded to float32, whatever block it is made in.

/** Bytes of the right operand that all rows go over before the next ones: half of a core's cache of the second level. */
const SLAB_BYTES = 131_072;
/** Columns of a panel. */
const LANES = 8;

/** Adds a product to four sums. */
function add(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}

/** 4 rows × 8 columns. */
function block(a: usize, aLine: usize, panel: usize, depth: i32, to: usize, line: usize): void {
  const zero = f32x4.splat(0);
  let c00 = zero,
    c01 = zero,
    c10 = zero,
    c11 = zero,
    c20 = zero,
    c21 = zero,
    c30 = zero,
    c31 = zero;
  let a1 = a + aLine,
    a2 = a1 + aLine,
    a3 = a2 + aLine;
  for (const end = a + 4 * <usize>depth; a < end; a += 4) {
    const w0 = v128.load(panel),
      w1 = v128.load(panel, 16);
    let y = v128.load32_splat(a);
    ((c00 = add(c00, y, w0)), (c01 = add(c01, y, w1)));
    y = v128.load32_splat(a1);
    ((c10 = add(c10, y, w0)), (c11 = add(c11, y, w1)));
    y = v128.load32_splat(a2);
    ((c20 = add(c20, y, w0)), (c21 = add(c21, y, w1)));
    y = v128.load32_splat(a3);
    ((c30 = add(c30, y, w0)), (c31 = add(c31, y, w1)));
    panel += 32;
    ((a1 += 4), (a2 += 4), (a3 += 4));
  }
  (v128.store(to, c00), v128.store(to, c01, 16));
  to += line;
  (v128.store(to, c10), v128.store(to, c11, 16));
  to += line;
  (v128.store(to, c20), v128.store(to, c21, 16));
  to += line;
  (v128.store(to, c30), v128.store(to, c31, 16));
}

/** One row × 8 columns. */
function single(a: usize, panel: usize, depth: i32, to: usize): void {
  let c0 = f32x4.splat(0),
    c1 = c0;
  for (const end = a + 4 * <usize>depth; a < end; a += 4) {
    const y = v128.load32_splat(a);
    ((c0 = add(c0, y, v128.load(panel))), (c1 = add(c1, y, v128.load(panel, 16))));
    panel += 32;
  }
  (v128.store(to, c0), v128.store(to, c1, 16));
}

/**
 * C (m×n, n a multiple of 8) = A (m×depth) · B in panels of 8 columns, `panelBytes` apart.
 * Rows of A and C are `aLine` and `cLine` bytes apart.
 */
export function product(
  a: usize,
  aLine: usize,
  panels: usize,
  panelBytes: usize,
  c: usize,
  cLine: usize,
  m: i32,
  n: i32,
  depth: i32,
): void {
  const slab = max(LANES, (SLAB_BYTES / (4 * depth)) & ~(LANES - 1));
  for (let from = 0; from < n; from += slab) {
    const end = min(n, from + slab);
    let row = a,
      to = c,
      i = 0;
    for (; i + 4 <= m; i += 4) {
      for (let j = from; j < end; j += LANES)
        block(
          row,
          aLine,
          panels + <usize>(j / LANES) * panelBytes,
          depth,
          to + 4 * <usize>j,
          cLine,
        );
      row += 4 * aLine;
      to += 4 * cLine;
    }
    for (; i < m; i++) {
      for (let j = from; j < end; j += LANES)
        single(row, panels + <usize>(j / LANES) * panelBytes, depth, to + 4 * <usize>j);
      row += aLine;
      to += cLine;
    }
  }
}

/** n rows of k float32 as panels of 8 columns of k each: [⌈n/8⌉][k][8], zeros for rows past n. */
export function packRows(rows: usize, n: i32, k: i32, to: usize): void {
  for (let j = 0; j < n; j += LANES) {
    for (let r = 0; r < LANES; r++) {
      const row = rows + 4 * <usize>(j + r) * <usize>k;
      let cell = to + 4 * <usize>r;
      for (let t = 0; t < k; t++) {
        store<f32>(cell, j + r < n ? load<f32>(row + 4 * <usize>t) : 0);
        cell += 4 * LANES;
      }
    }
    to += 4 * LANES * <usize>k;
  }
}

/** A matrix of k rows of n float32, `line` bytes apart, in the same panels. */
export function packColumns(matrix: usize, line: usize, k: i32, n: i32, to: usize): void {
  for (let j = 0; j < n; j += LANES) {
    let row = matrix + 4 * <usize>j;
    for (let t = 0; t < k; t++) {
      for (let r = 0; r < LANES; r++)
        store<f32>(to + 4 * <usize>r, j + r < n ? load<f32>(row + 4 * <usize>r) : 0);
      to += 4 * LANES;
      row += line;
    }
  }
}

/** m rows of k float32 to k rows of m. */
export function transpose(matrix: usize, m: i32, k: i32, to: usize): void {
  for (let i = 0; i < m; i++)
    for (let j = 0; j < k; j++)
      store<f32>(to + 4 * <usize>(j * m + i), load<f32>(matrix + 4 * <usize>(i * k + j)));
}
