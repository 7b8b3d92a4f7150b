/**
 * Where the tokens of a sequence are among a tensor's axes. Axis 0 of what depends on the unit begins with the
 * sequences (the checker holds it); behind them, and in the other axes, each axis is a list of factors.
 */

/** `n` places of an axis. Of the token axis those of tokens `from` to `from` + n − 1. */
export interface Factor {
  readonly n: number;
  /** Undefined: places that are no tokens. */
  readonly from?: number;
}
/** Factors of each axis, outermost first, without the sequences of axis 0. */
export type Axes = readonly (readonly Factor[])[];

const sizeOf = (factors: readonly Factor[]): number => factors.reduce((p, { n }) => p * n, 1);
export const isToken = ({ from }: Factor): boolean => from !== undefined;

/** One axis of n places that are no tokens. */
export const plain = (n: number): readonly Factor[] => (n > 1 ? [{ n }] : []);

/** Some tokens of a sequence, and the axis that they are on. */
export interface Tokens {
  readonly axis: number;
  readonly n: number;
  readonly from: number;
}
/** All factors of tokens. */
export const allTokens = (axes: Axes): Tokens[] =>
  axes.flatMap((factors, axis) =>
    factors.flatMap(({ n, from }) => (from === undefined ? [] : { axis, n, from })),
  );
/** The tokens of axes that have one factor of them. */
export const tokensOf = (axes: Axes): Tokens => allTokens(axes)[0]!;

/** Dimensions of `sequences` sequences of one token each, or, with `whole`, of all that the factors name. */
export const dimsOf = (axes: Axes, sequences: number, whole = false): number[] =>
  axes.map((factors, axis) => {
    const kept = whole ? factors : factors.filter((f) => !isToken(f));
    return sizeOf(kept) * (axis ? 1 : sequences);
  });

/** Neighbours that are no tokens are one factor. */
function merged(factors: readonly Factor[]): Factor[] {
  const out: Factor[] = [];
  for (const factor of factors) {
    const before = out.at(-1);
    if (before && !isToken(before) && !isToken(factor))
      out[out.length - 1] = { n: before.n * factor.n };
    else out.push(factor);
  }
  return out;
}

/** Cuts factors into axes of these sizes; undefined: an axis would end among the tokens. */
function regroup(factors: readonly Factor[], sizes: readonly number[]): Factor[][] | undefined {
  const rest = merged(factors);
  const out: Factor[][] = [];
  for (const size of sizes.toReversed()) {
    const axis: Factor[] = [];
    for (let need = size; need > 1;) {
      const factor = rest.pop();
      if (!factor) return undefined;
      if (need % factor.n === 0) {
        axis.unshift(factor);
        need /= factor.n;
      } else if (!isToken(factor) && factor.n % need === 0) {
        rest.push({ n: factor.n / need });
        axis.unshift({ n: need });
        need = 1;
      } else return undefined;
    }
    out.unshift(axis);
  }
  return rest.length ? undefined : out;
}

/** Axes of a tensor of `axes` that is reshaped to `dims`. */
export function reshaped(axes: Axes, dims: readonly number[], sequences: number): Axes | undefined {
  const [first = 1, ...others] = dims;
  return regroup(axes.flat(), [first / sequences, ...others]);
}

/** Axes of a result of two operands of one rank; undefined: tokens of one meet something else of the other. */
export function joined(a: Axes, b: Axes): Axes | undefined {
  const found = a.map((x, axis): readonly Factor[] | undefined => {
    const y = b[axis]!;
    if (!x.length || !y.length) return x.length ? x : y;
    if (x.some(isToken) || y.some(isToken)) return isSame(x, y) ? x : undefined;
    return x;
  });
  return found.every((f) => f !== undefined) ? found : undefined;
}
const isSame = (x: readonly Factor[], y: readonly Factor[]): boolean =>
  x.length === y.length && x.every(({ n, from }, i) => n === y[i]!.n && from === y[i]!.from);
