/**
 * ASERT difficulty (aserti3-2d arithmetic, docs/protocol.md §6): the target follows from an anchor
 * and one parent. Source: bitcoincash.org spec 2020-11-15-asert, whose vectors are tests here; the
 * snippet printed there lacks `* radix`.
 */
export interface AsertState {
  readonly anchorTarget: bigint;
  /** Parent's time − time of the anchor's parent, ms. */
  readonly timeDeltaMs: number;
  /** Parent's height − anchor's height; −1 for the anchor itself. */
  readonly heightDelta: number;
}

export interface AsertParams {
  readonly blockTimeMs: number;
  readonly halfLifeMs: number;
  readonly targetMax: bigint;
}

/** Target of the next block, in [1, targetMax], not yet rounded to compact form. */
export function asertTarget(state: AsertState, params: AsertParams): bigint {
  const late =
    BigInt(state.timeDeltaMs) - BigInt(params.blockTimeMs) * BigInt(state.heightDelta + 1);
  const exponent = (late * 65536n) / BigInt(params.halfLifeMs);
  const shifts = exponent >> 16n;
  // Beyond 256 bits the result is clamped anyway, and a shift by a hostile time would not fit memory.
  if (shifts > 256n) return params.targetMax;
  if (shifts < -256n) return 1n;
  const f = exponent - shifts * 65536n;
  const cubic = 195766423245049n * f + 971821376n * f ** 2n + 5127n * f ** 3n + (1n << 47n);
  const product = state.anchorTarget * ((cubic >> 48n) + 65536n);
  const target = (shifts < 0n ? product >> -shifts : product << shifts) >> 16n;
  if (target < 1n) return 1n;
  return target > params.targetMax ? params.targetMax : target;
}
