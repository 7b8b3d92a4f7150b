/**
 * What a decoder of the Llama class is made from: whole numbers and units that an importer found, nothing of the
 * float model. All that a package's graphs hold follows from it and from the shapes. Numbers of the stream are in
 * its unit; what a column of a product is scaled by is real.
 */

/** Sizes that all shapes of a package share. */
export interface DecoderSize {
  readonly layers: number;
  /** d: columns of the stream, a multiple of 64, 128 to 1024. */
  readonly hidden: number;
  readonly heads: number;
  /** Divides `heads`. */
  readonly keyHeads: number;
  /** e: columns of a head, even, at most 64; heads·e is a multiple of 64. */
  readonly head: number;
  /** f: a multiple of 64, at least 128. */
  readonly ffn: number;
  /** V: token ids are 0 (padding) to V − 1. */
  readonly vocabulary: number;
}

/** A batch that a package can run. */
export interface DecoderShape {
  /** B·S is a multiple of 16. */
  readonly sequences: number;
  readonly tokens: number;
}

/** A product with constant weights, and what its columns become: round(c·factor + offset). */
export interface ScaledLinear {
  /** Bᵀ, n × k, row-major: −63..63. */
  readonly weight: Int8Array;
  /** Of each of the n columns: steps of the result for one step of c. */
  readonly factors: ArrayLike<number>;
  /** Of each column, in steps of the result; none: 0. */
  readonly offsets?: ArrayLike<number>;
  /** c is cut at ±reach, so that its 15 bits are fine enough for what occurs; none: what the weights allow. */
  readonly reach?: number;
}

/**
 * RMSNorm into an operand: clip(⌊gain·v / 2s⌉ − mean, ±127), v the row in 12 bits, s = ⌊√Σ⌊v²/2^8 + ½⌋⌋, which
 * is √d/16 of v's root mean square.
 */
export interface Norm {
  /** N: whole, 1..800. */
  readonly gain: number;
  /** μ [d]: whole, in steps of the operand. */
  readonly means: ArrayLike<number>;
}

export interface LayerConstants {
  /** Before qkv. */
  readonly attentionNorm: Norm;
  /**
   * n = (heads + 2·keyHeads)·e columns: of queries, keys, values, each head by head, the pairs of RoPE in halves
   * (columns i and i + e/2 of a head). Queries and keys in eighths of a step of what is multiplied, values in steps.
   */
  readonly qkv: ScaledLinear;
  /** Of each head j, 1..8: 2^j steps of a score are 1/64 nat. */
  readonly scoreBits: ArrayLike<number>;
  /** Key and value of the constant first token, [keyHeads·e] each, turned, in steps: ±255, ±127. */
  readonly firstKey: Int16Array;
  readonly firstValue: Int8Array;
  /** K of each head, 1..64: a step of what o multiplies is 16/K of a step of its values. */
  readonly contextGains: ArrayLike<number>;
  /** k = heads·e, n = d; into steps of the stream. */
  readonly out: ScaledLinear;
  /** Before gate and up. */
  readonly ffnNorm: Norm;
  /** n = 2·f columns: gates in steps of `silu`, then up's in steps of its own, cut at ±2047. */
  readonly gateUp: ScaledLinear;
  /** [4096]: entry i is the SiLU of step i − 1024, whole, in a unit of its own: |·| ≤ 4095. */
  readonly silu: ArrayLike<number>;
  /** 0..8: silu(gate)·up loses so many bits before a row's own shift brings it to ±16319. */
  readonly productShift: number;
  /**
   * Most bits of a row's own shift, 1 or more; rows that would need more are cut. The fewer, the larger may a change
   * of the stream be. None: as many as `silu` and up can need.
   */
  readonly rowShiftMax?: number;
  /**
   * k = f, n = d: what two limbs of 7 bits multiply, high·128 + low. A step of c is 128 of the product's; `factors`
   * bring it to 2^−changeBits of a step of the stream.
   */
  readonly down: ScaledLinear;
  /** 0..8 */
  readonly changeBits: number;
}

export interface DecoderConstants {
  readonly size: DecoderSize;
  /** Rows of the tied table, V × d, int8: those of the head. */
  readonly rows: Int8Array;
  /** [V], int16: what a row is multiplied by, in the head too. */
  readonly multipliers: Int16Array;
  /** A row times its multiplier is in 2^−embedShift of a step of the stream, 0..20. */
  readonly embedShift: number;
  /** Of each of the e/2 pairs: radians from one position to the next. */
  readonly frequencies: ArrayLike<number>;
  readonly layers: readonly LayerConstants[];
  readonly lastNorm: Norm;
  /**
   * k = n = d, after the last norm: into the answer's steps, cut at ±127. A gain of the norm between two turns is
   * nearly a multiple of one: its diagonal [d], whole, ±4,096 in steps of `weight`, stays out of the product.
   */
  readonly last: ScaledLinear & { readonly diagonal?: ArrayLike<number> };
  /**
   * Keys that are summed at once: 512, or fewer to try several blocks on short texts. No shape may leave a last block
   * of one key.
   */
  readonly blockKeys?: number;
}
