/**
 * Which token comes next (docs/generation.md): logits are whole numbers, and every step gives the same on every engine.
 * A quotient of whole numbers a, b ≥ 0 is floored as ⌊a/b⌋ of float64, which is exact where a + b < 2^53: between a
 * whole number n and a quotient below it lies at least 1/b, and rounding moves one near n by at most n·2^−53.
 */
import { xof } from '../../core/hash.ts';
import { concat } from '../../lib/bytes.ts';
import { STEPS_PER_NAT, WEIGHTS, WEIGHTS_COUNT } from './exponential.ts';
import { TOP_P_ONE, UNIT, type Options } from './options.ts';

/** Of a token that has no weight. */
const NOWHERE = 0xffff;

/** Where in an answer a token is chosen. */
export interface Moment {
  /** Place in the answer, from 0. */
  readonly place: number;
  /** Tokens that are made less likely. */
  readonly seen: ReadonlySet<number>;
}

export class Chooser {
  readonly #perNat: number;
  /** Of each token: how many 64ths of a nat it lies below the best. */
  readonly #below: Uint16Array;
  /** Tokens at each x. */
  readonly #counts = new Uint32Array(WEIGHTS_COUNT);

  /** @param perNat logit steps of a nat, at most 2^32 */
  constructor(perNat: number, vocabulary: number) {
    this.#perNat = perNat;
    this.#below = new Uint16Array(vocabulary);
  }

  /** @param logits of each token, whole numbers within ±2^41; those of tokens that were seen are changed */
  choose(logits: Float64Array, options: Options, { place, seen }: Moment): number {
    if (options.penalty !== UNIT)
      for (const id of seen) logits[id] = penalised(logits[id]!, options.penalty);
    const best = bestOf(logits);
    if (!options.temperature) return best;
    this.#weigh(logits, best, options.temperature);
    const counts = this.#counts;
    this.#keepFirst(options.topK || logits.length);
    let left = drawBelow(this.#keepShare(options.topP), options.seed, place);
    for (let x = 0; ; x++) {
      const weight = WEIGHTS[x]!;
      if (left < counts[x]! * weight) return this.#member(logits, x, Math.floor(left / weight));
      left -= counts[x]! * weight;
    }
  }

  /** Sets x of every token: 755·perNat·T is below 2^52, and a product with a power of two is exact. */
  #weigh(logits: Float64Array, best: number, temperature: number): void {
    const below = this.#below;
    const counts = this.#counts.fill(0);
    const top = logits[best]!;
    const nat = this.#perNat * temperature;
    for (let id = 0; id < logits.length; id++) {
      const scaled = (top - logits[id]!) * (STEPS_PER_NAT * UNIT);
      const x = scaled < WEIGHTS_COUNT * nat ? Math.floor(scaled / nat) : NOWHERE;
      below[id] = x;
      if (x !== NOWHERE) counts[x]!++;
    }
  }

  /** Keeps the first `most` tokens: of one x all weigh the same, so that which they are is found at the end. */
  #keepFirst(most: number): void {
    let left = most;
    this.#counts.forEach((count, x, counts) => {
      counts[x] = Math.min(count, left);
      left -= counts[x];
    });
  }

  /** Keeps as few of the first tokens as have ⌈topP/65,536 of the weight⌉. @returns their weight */
  #keepShare(topP: number): number {
    const counts = this.#counts;
    const total = counts.reduce((sum, count, x) => sum + count * WEIGHTS[x]!, 0);
    const least = Math.ceil((total * topP) / TOP_P_ONE);
    let kept = 0;
    counts.forEach((count, x) => {
      const weight = WEIGHTS[x]!;
      counts[x] = Math.min(count, Math.ceil(Math.max(0, least - kept) / weight));
      kept += counts[x] * weight;
    });
    return kept;
  }

  /** The token number `rank` of those at x, in the order of (−logit, id). */
  #member(logits: Float64Array, x: number, rank: number): number {
    const ids: number[] = [];
    for (let id = 0; id < logits.length; id++) if (this.#below[id] === x) ids.push(id);
    // The sort is stable: equals stay in the order of their ids.
    return ids.sort((a, b) => logits[b]! - logits[a]!)[rank]!;
  }
}

/** logit·256/penalty above 0 and logit·penalty/256 below, floored. */
const penalised = (logit: number, penalty: number): number =>
  Math.floor(logit > 0 ? (logit * UNIT) / penalty : (logit * penalty) / UNIT);

/** The lowest of the tokens with the largest logit. */
function bestOf(logits: Float64Array): number {
  let [best, top] = [0, logits[0]!];
  for (let id = 1; id < logits.length; id++) {
    const logit = logits[id]!;
    if (logit > top) [best, top] = [id, logit];
  }
  return best;
}

/**
 * A number below `total`, every one as likely as the others: of the u64s at H_sample(seed ‖ u32 place ‖ u32 i) the
 * first that is below the largest multiple of `total`, modulo it.
 */
export function drawBelow(total: number, seed: Uint8Array, place: number): number {
  const many = BigInt(total);
  const end = (1n << 64n) - ((1n << 64n) % many);
  const numbers = new Uint8Array(8);
  const view = new DataView(numbers.buffer);
  view.setUint32(0, place, true);
  for (let i = 0; ; i++) {
    view.setUint32(4, i, true);
    const drawn = xof('sample', 8, concat(seed, numbers));
    const x = new DataView(drawn.buffer, drawn.byteOffset).getBigUint64(0, true);
    if (x < end) return Number(x % many);
  }
}
