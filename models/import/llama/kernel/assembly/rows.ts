// What lies between the products: rows of float32, each on its own, with sums and functions in float64.

/** x / √(mean of x² + ε) · gain of m rows of k. `gain` 0: ones. */
export function normRows(x: usize, m: i32, k: i32, epsilon: f64, gain: usize, to: usize): void {
  for (let i = 0; i < m; i++) {
    let sum: f64 = 0;
    for (let j = 0; j < k; j++) {
      const value = <f64>load<f32>(x + 4 * <usize>j);
      sum += value * value;
    }
    const scale = 1 / sqrt(sum / <f64>k + epsilon);
    for (let j: usize = 0; j < 4 * <usize>k; j += 4) {
      const factor = gain ? scale * <f64>load<f32>(gain + j) : scale;
      store<f32>(to + j, <f32>(<f64>load<f32>(x + j) * factor));
    }
    x += 4 * <usize>k;
    to += 4 * <usize>k;
  }
}

/**
 * Rotary positions in place: of each head of `width` columns, column j and column j + width/2 turn together by the
 * row's angle. `table`: of each row width/2 cosines, then width/2 sines, float64. Rows are `line` bytes apart.
 */
export function turnRows(
  x: usize,
  line: usize,
  m: i32,
  heads: i32,
  width: i32,
  table: usize,
): void {
  const half: usize = 4 * <usize>width;
  for (let i = 0; i < m; i++) {
    for (let head = 0; head < heads; head++) {
      const low = x + 4 * <usize>(head * width);
      const high = low + half / 2;
      for (let j: usize = 0; j < half; j += 8) {
        const a = <f64>load<f32>(low + j / 2),
          b = <f64>load<f32>(high + j / 2);
        const cosine = load<f64>(table + j),
          sine = load<f64>(table + half + j);
        store<f32>(low + j / 2, <f32>(a * cosine - b * sine));
        store<f32>(high + j / 2, <f32>(a * sine + b * cosine));
      }
    }
    x += line;
    table += 2 * half;
  }
}

/**
 * Softmax in place of m rows of scores, times `scale`, of which row i holds `first` + ⌊i/group⌋ + 1; the entries after
 * those, up to `n`, become 0.
 */
export function softmaxRows(x: usize, m: i32, n: i32, first: i32, group: i32, scale: f64): void {
  for (let i = 0; i < m; i++) {
    const held = x + 4 * <usize>(first + i / group + 1);
    const end = x + 4 * <usize>n;
    let top = load<f32>(x);
    for (let at = x; at < held; at += 4) top = max(top, load<f32>(at));
    let sum: f64 = 0;
    for (let at = x; at < held; at += 4) {
      const weight = Math.exp((<f64>load<f32>(at) - <f64>top) * scale);
      sum += weight;
      store<f32>(at, <f32>weight);
    }
    const share = 1 / sum;
    for (let at = x; at < held; at += 4) store<f32>(at, <f32>(<f64>load<f32>(at) * share));
    for (let at = held; at < end; at += 4) store<f32>(at, 0);
    x = end;
  }
}

/** gate / (1 + e^−gate) · up, in place of gate. */
export function gateRows(gate: usize, up: usize, count: i32): void {
  for (let i: usize = 0; i < 4 * <usize>count; i += 4) {
    const x = <f64>load<f32>(gate + i);
    store<f32>(gate + i, <f32>((x / (1 + Math.exp(-x))) * <f64>load<f32>(up + i)));
  }
}

/** Adds m rows of n float32 to as many of float64; rows of the first are `line` bytes apart, of the second `wideLine`. */
export function addWide(x: usize, line: usize, m: i32, n: i32, wide: usize, wideLine: usize): void {
  for (let i = 0; i < m; i++) {
    for (let j: usize = 0; j < <usize>n; j++)
      store<f64>(wide + 8 * j, load<f64>(wide + 8 * j) + <f64>load<f32>(x + 4 * j));
    x += line;
    wide += wideLine;
  }
}
