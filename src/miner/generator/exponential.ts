/**
 * Weights of what lies x/64 nats below the best: the whole number nearest to 65,536·e^(−x/64). `Math.exp` may differ
 * between engines in its last bit, so the table is made in whole numbers of 2^−96.
 */
export const STEPS_PER_NAT = 64;
/** At 755 the nearest is 0 for the first time. */
export const WEIGHTS_COUNT = 755;
const BITS = 96n;
const WEIGHT_BITS = 16n;

/** 2^96·e^(−1/64): its terms fall by more than 64, and each is cut by less than one. */
function ratio(): bigint {
  let [term, sum] = [1n << BITS, 0n];
  for (let i = 1n; term !== 0n; i++) {
    sum += term;
    term = -term / (BigInt(STEPS_PER_NAT) * i);
  }
  return sum;
}

/**
 * Weights of x = 0..754. Each product adds at most 33 units of error to the power before it, so that the last is within
 * 2^15·2^−96 of the truth; a test finds none as near as that to a half.
 */
function table(): Uint32Array {
  const step = ratio();
  const half = 1n << (BITS - WEIGHT_BITS - 1n);
  let power = 1n << BITS;
  return Uint32Array.from({ length: WEIGHTS_COUNT }, () => {
    const weight = (power + half) >> (BITS - WEIGHT_BITS);
    power = (power * step) >> BITS;
    return Number(weight);
  });
}

export const WEIGHTS = table();
