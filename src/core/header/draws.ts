/**
 * Which blocks of a branch a light client checks (docs/light-clients.md). Draws are made in work, not in blocks,
 * and the nearer to the head the denser: distances from the head lie in equal shares of its logarithm, one random
 * draw in each (stratified FlyClient). An attacker with half of the honest work, who does not know the draws, passes
 * with probability below 2^-50 wherever it forks.
 *
 * Only the client that draws uses the result, so that this is no rule of consensus. It is whole numbers all the
 * same: the same secret and head give the same draws in every engine.
 */
import { concat } from '../../lib/bytes.ts';
import { xof } from '../hash.ts';

/** Most draws; a branch that asks for more has a tail so easy that its last blocks prove nothing. */
export const DRAWS_MAX = 448;
/** Bytes of a secret. */
export const SECRET_BYTES = 32;

/** Draws beyond the formula, which the optimum over short branches needs. */
const SLACK = 10n;
/** 24·ln 2 in units of 2^-32, rounded up: draws for each doubling of the work. */
const DRAWS_A_DOUBLING = 71_449_067_324n;
const FRACTION_BITS = 32n;
/** Bits of a place among all strata: finer than one draw's share of them. */
const PLACE_BITS = 41n;

export interface BranchWork {
  /** Total work at the branch's head. */
  readonly head: bigint;
  /** Total work where the branch leaves what is known: at genesis for a newcomer. */
  readonly fork: bigint;
  /** Total work below the last blocks, whose proofs are all asked for. */
  readonly tail: bigint;
}

/** What the draws follow from: `secret` is known to this client alone, so that nobody can foresee them. */
export interface DrawSeed {
  readonly secret: Uint8Array;
  /** The head's id: whoever names this head, it gets the same draws. */
  readonly headId: Uint8Array;
}

/**
 * Works counted from genesis; each draws the lowest block with more total work, which lies above the fork and below
 * the last blocks. None where nothing lies between; undefined where more than DRAWS_MAX would be needed.
 */
export function drawWorks({ head, fork, tail }: BranchWork, seed: DrawSeed): bigint[] | undefined {
  const [near, far] = [head - tail, head - fork];
  if (near <= 0n || far <= near) return [];
  const count = drawCount(far, near);
  if (count > DRAWS_MAX) return undefined;
  return placesOf(count, seed).map((place) => head - farOut(near, far, place));
}

/** Distances from near to far, rising, in `count` equal shares of their logarithm, a random one in each. */
export const drawDistances = (near: bigint, far: bigint, count: number, seed: DrawSeed): bigint[] =>
  placesOf(count, seed).map((place) => farOut(near, far, place));

/** One work in each of `count` equal shares of what lies above `from`, up to `to`. */
export function drawEvenly(from: bigint, to: bigint, count: number, seed: DrawSeed): bigint[] {
  return placesOf(count, seed).map((place) => from + (((to - from) * place) >> PLACE_BITS));
}

/** ⌈24·ln(far ÷ near)⌉ + 10. */
const drawCount = (far: bigint, near: bigint): number => {
  const scale = 1n << (2n * FRACTION_BITS);
  return Number((log2(far, near) * DRAWS_A_DOUBLING + scale - 1n) / scale + SLACK);
};

/** A random place in each of `count` equal shares of 0..1, in units of 2^-41, rising. */
function placesOf(count: number, { secret, headId }: DrawSeed): bigint[] {
  const stream = xof('draw', 4 * count, concat(secret, headId));
  const view = new DataView(stream.buffer, stream.byteOffset);
  return Array.from({ length: count }, (_, j) => {
    const share = (BigInt(j) << 32n) + BigInt(view.getUint32(4 * j, true));
    return (share << (PLACE_BITS - 32n)) / BigInt(count);
  });
}

/** near·(far ÷ near)^place, rounded up: halving an interval at its geometric mean is halving its logarithm. */
function farOut(near: bigint, far: bigint, place: bigint): bigint {
  let [low, high] = [near, far];
  for (let bit = PLACE_BITS - 1n; bit >= 0n && high - low > 1n; bit--) {
    const middle = squareRoot(low * high) + 1n;
    if ((place >> bit) & 1n) low = middle;
    else high = middle;
  }
  return high;
}

const bitLength = (n: bigint): bigint => BigInt(n.toString(2).length);

/** log2(over ÷ under) in units of 2^-32, rounded down; over ≥ under > 0. */
function log2(over: bigint, under: bigint): bigint {
  let log = bitLength(over) - bitLength(under);
  if (under << log > over) log--;
  const one = 1n << (2n * FRACTION_BITS);
  let rest = (over * one) / (under << log);
  // Squaring doubles the logarithm: each overflow is its next bit.
  for (let i = 0n; i < FRACTION_BITS; i++) {
    rest = (rest * rest) / one;
    const bit = rest >= 2n * one ? 1n : 0n;
    rest >>= bit;
    log = 2n * log + bit;
  }
  return log;
}

/** The whole part of the square root, by Newton's method from above. */
function squareRoot(n: bigint): bigint {
  let root = 1n << ((bitLength(n) + 1n) / 2n);
  for (;;) {
    const next = (root + n / root) / 2n;
    if (next >= root) return root;
    root = next;
  }
}
