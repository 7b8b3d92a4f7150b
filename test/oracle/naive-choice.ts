/** The choice of a token as docs/generation.md says it, on bigints, sorted whole: what the quick code must equal. */
import { blake3 } from '@noble/hashes/blake3.js';
import { concat, utf8 } from '../../src/lib/bytes.ts';
import type { Options } from '../../src/miner/generator/options.ts';

const FRACTION = 160n;
export const ONE = 1n << FRACTION;

/** 2^160·e^(−x/64), each term cut alone: within 2^10 of the truth. */
export function exponential(x: number): bigint {
  let [term, sum] = [ONE, 0n];
  for (let i = 1n; term !== 0n; i++) {
    sum += term;
    term = (-term * BigInt(x)) / (64n * i);
  }
  return sum;
}

/** The whole number nearest to 65,536·e^(−x/64). */
export const weightOf = (x: number): bigint => ((exponential(x) << 16n) + (ONE >> 1n)) >> FRACTION;

/** ⌊a/b⌋ of b > 0. */
const floored = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b;
const ceiled = (a: bigint, b: bigint): bigint => -floored(-a, b);

const littleEndian = (value: number): Uint8Array =>
  Uint8Array.from({ length: 4 }, (_, i) => Math.floor(value / 256 ** i) % 256);

function drawn(seed: Uint8Array, place: number, i: number): bigint {
  const data = concat(seed, littleEndian(place), littleEndian(i));
  const bytes = blake3(data, { context: utf8('pila 2 sample'), dkLen: 8 });
  return bytes.reduceRight((sum, byte) => 256n * sum + BigInt(byte), 0n);
}

/** The first number that is no multiple of `total`'s any more. */
const endOf = (total: bigint): bigint => ((1n << 64n) / total) * total;

/** Whether the first number drawn is not taken. */
export const isRejected = (total: bigint, seed: Uint8Array, place: number): boolean =>
  drawn(seed, place, 0) >= endOf(total);

export function naiveDraw(total: bigint, seed: Uint8Array, place: number): bigint {
  for (let i = 0; ; i++) {
    const x = drawn(seed, place, i);
    if (x < endOf(total)) return x % total;
  }
}

const weights = new Map<bigint, bigint>();
function weightAt(x: bigint): bigint {
  if (x >= 1000n) return 0n;
  let weight = weights.get(x);
  if (weight === undefined) weights.set(x, (weight = weightOf(Number(x))));
  return weight;
}

export function naiveChoice(
  logits: readonly bigint[],
  perNat: number,
  o: Options,
  { place, seen }: { place: number; seen: ReadonlySet<number> },
): number {
  const penalty = BigInt(o.penalty);
  const own = logits.map((logit, id) => {
    if (!seen.has(id) || penalty === 256n) return logit;
    return logit > 0n ? floored(logit * 256n, penalty) : floored(logit * penalty, 256n);
  });
  const order = [...own.keys()].sort((a, b) =>
    own[a] === own[b] ? a - b : own[a]! > own[b]! ? -1 : 1,
  );
  if (!o.temperature) return order[0]!;

  const nat = BigInt(perNat) * BigInt(o.temperature);
  const of = (id: number) => weightAt(((own[order[0]!]! - own[id]!) * 64n * 256n) / nat);
  const first = order.slice(0, o.topK || order.length);
  const total = first.reduce((sum, id) => sum + of(id), 0n);
  const least = ceiled(total * BigInt(o.topP), 65_536n);
  let kept = 0n;
  const choosable = first.filter((id) => {
    const isKept = kept < least;
    if (isKept) kept += of(id);
    return isKept;
  });
  let left = naiveDraw(kept, o.seed, place);
  for (const id of choosable) {
    if (left < of(id)) return id;
    left -= of(id);
  }
  throw new Error('a draw beyond the weight');
}
