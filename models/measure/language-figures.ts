/** How near one language model's logits and answers are to another's. Pure. */

/** Of each token that was scored, in the text's order. Nats. */
export interface Compared {
  /** −log of the share that the model gives to the token which comes. */
  readonly float: readonly number[];
  readonly exact: readonly number[];
  /** Kullback–Leibler divergence of the exact model's shares from the float model's. */
  readonly divergence: readonly number[];
  /** 1 where both hold the same token for the likeliest. */
  readonly same: readonly number[];
}

export const noneCompared = (): { readonly [K in keyof Compared]: number[] } => ({
  float: [],
  exact: [],
  divergence: [],
  same: [],
});

const likeliest = (logits: Float32Array | Float64Array): number => {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
};

/**
 * Adds what two models say of one place.
 * @param nat how many steps of the exact logits are one nat
 * @param next the token that comes
 */
export function compareLogits(
  into: ReturnType<typeof noneCompared>,
  float: Float32Array,
  exact: Float64Array,
  { nat, next }: { readonly nat: number; readonly next: number },
): void {
  const best = [likeliest(float), likeliest(exact)] as const;
  const [mostFloat, mostExact] = [float[best[0]]!, exact[best[1]]! / nat];
  let [sumFloat, sumExact, weighted] = [0, 0, 0];
  for (let i = 0; i < float.length; i++) {
    const [f, e] = [float[i]! - mostFloat, exact[i]! / nat - mostExact];
    const share = Math.exp(f);
    sumFloat += share;
    sumExact += Math.exp(e);
    weighted += share * (f - e);
  }
  const [logFloat, logExact] = [Math.log(sumFloat), Math.log(sumExact)];
  into.float.push(logFloat - (float[next]! - mostFloat));
  into.exact.push(logExact - (exact[next]! / nat - mostExact));
  into.divergence.push(weighted / sumFloat - logFloat + logExact);
  into.same.push(Number(best[0] === best[1]));
}

export interface LanguageFigures {
  readonly texts: number;
  /** That were scored. */
  readonly tokens: number;
  /** Perplexity, float first, and exact's over float's. */
  readonly perplexity: readonly [float: number, exact: number];
  readonly ratio: number;
  /** Of the ratio: 1.96 standard errors over texts; 0 of a single one. */
  readonly within: number;
  readonly top1: number;
  readonly divergence: number;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** @param all of texts, at least one token together */
export function languageFigures(all: readonly Compared[]): LanguageFigures {
  const tokens = sum(all.map(({ float }) => float.length));
  const mean = (of: (c: Compared) => readonly number[]): number =>
    sum(all.map((c) => sum(of(c)))) / tokens;
  const [float, exact] = [mean((c) => c.float), mean((c) => c.exact)];
  const worse = exact - float;
  const residues = all.map((c) => sum(c.exact) - sum(c.float) - worse * c.float.length);
  const texts = all.length;
  const squares = sum(residues.map((x) => x * x)) * (texts > 1 ? texts / (texts - 1) : 0);
  return {
    texts,
    tokens,
    perplexity: [Math.exp(float), Math.exp(exact)],
    ratio: Math.exp(worse),
    within: (Math.exp(worse) * 1.96 * Math.sqrt(squares)) / tokens,
    top1: mean((c) => c.same),
    divergence: mean((c) => c.divergence),
  };
}

/** What was scored from place `from` to `to` (not included) of a text: after so many tokens more than one. */
export const partOf = (c: Compared, from: number, to: number): Compared => ({
  float: c.float.slice(from, to),
  exact: c.exact.slice(from, to),
  divergence: c.divergence.slice(from, to),
  same: c.same.slice(from, to),
});

/** Tokens before the first that differs; undefined: both are the same, also in their length. */
export function firstDifference(a: readonly number[], b: readonly number[]): number | undefined {
  for (let i = 0; i < Math.max(a.length, b.length); i++) if (a[i] !== b[i]) return i;
  return undefined;
}

/** Whether the last tokens are a phrase of up to `LOOP_TOKENS` said over and over. */
export function isLoop(ids: readonly number[]): boolean {
  for (let period = 1; period <= LOOP_TOKENS; period++) {
    const tail = ids.slice(-Math.max(LOOP_TIMES * period, LOOP_LEAST));
    if (tail.length < LOOP_TIMES * period || tail.length < LOOP_LEAST) continue;
    if (tail.every((id, i) => i < period || id === tail[i - period])) return true;
  }
  return false;
}
const LOOP_TOKENS = 24;
const LOOP_TIMES = 3;
const LOOP_LEAST = 12;
