/**
 * Whether a language model is causal: each token's row of every operand and of the answer depends on that token and
 * those before it, so that a text can be made token by token, and a pass over a prompt and its answer proves the
 * answer. Of every entry the latest token on which it depends is followed through the segments. What attention must
 * not see is proven to be nothing: a mask puts it further below every score that is seen than scores lie apart, so
 * it is no maximum, and its place in the table of weights is where all entries are the same.
 */
import type { Shape } from '../../core/manifest.ts';
import type { OnnxGraph, OnnxNode } from '../package/onnx.ts';
import type { SegmentFacts } from './admission.ts';
import { leastAfter } from './least.ts';
import { axisOf } from './shape.ts';
import { demand, Refused, sizeOf, type Value } from './value.ts';

/** Depends on no token. */
const NEVER = -1;
/** More kinds of places are taken for one: all of them. */
const DIGITS_MAX = 8;
/** Numbers of constants and of places that are looked at in one shape: 30 layers of 2,048 tokens take 2^25. */
const WORK_MAX = 2 ** 28;

/**
 * A digit of an entry's place in one sequence's part of a tensor: ⌊place/stride⌋ mod latest.length, and the latest
 * token for each.
 */
interface Digit {
  readonly stride: number;
  readonly latest: Int32Array;
}
/** The latest token on which an entry depends: the most of `all` and of what its digits say. */
interface Latest {
  readonly all: number;
  readonly digits: readonly Digit[];
}
const NOTHING: Latest = { all: NEVER, digits: [] };

const most = (numbers: ArrayLike<number>): number => {
  let found = NEVER;
  for (let i = 0; i < numbers.length; i++) found = Math.max(found, numbers[i]!);
  return found;
};

/** The latest of several, entry by entry. */
function join(parts: readonly Latest[]): Latest {
  let all = NEVER;
  const digits: Digit[] = [];
  for (const part of parts) {
    all = Math.max(all, part.all);
    for (const digit of part.digits) {
      const at = digits.findIndex(
        ({ stride, latest }) => stride === digit.stride && latest.length === digit.latest.length,
      );
      const other = digits[at]?.latest;
      const latest = other ? digit.latest.map((x, i) => Math.max(x, other[i]!)) : digit.latest;
      if (other) digits[at] = { ...digit, latest };
      else if (digits.length < DIGITS_MAX) digits.push(digit);
      else all = Math.max(all, most(digit.latest));
    }
  }
  return { all, digits };
}

function stridesOf(dims: readonly number[]): number[] {
  const strides = dims.map(() => 1);
  for (let d = dims.length - 2; d >= 0; d--) strides[d] = strides[d + 1]! * dims[d + 1]!;
  return strides;
}

/**
 * The digits of a tensor of `dims` in another, to which `move` brings those of one axis: as a digit whose stride
 * counts steps along the axis; undefined: all entries may have it; `elsewhere`: another digit tells it. A digit across
 * axes is taken for all entries, too, and so is one place along an axis: a last block of one key is not proven.
 */
function moved(
  { all, digits }: Latest,
  dims: readonly number[],
  move: (digit: Digit, axis: number) => Digit | 'elsewhere' | undefined,
): Latest {
  const strides = stridesOf(dims);
  const parts = digits.map(({ stride, latest }): Latest => {
    const axis = dims.findIndex(
      (d, i) =>
        d > 1 && stride % strides[i]! === 0 && (strides[i]! * d) % (stride * latest.length) === 0,
    );
    const digit = axis < 0 ? undefined : move({ stride: stride / strides[axis]!, latest }, axis);
    if (digit === 'elsewhere') return NOTHING;
    return digit ? { all: NEVER, digits: [digit] } : { all: most(latest), digits: [] };
  });
  return join([{ all, digits: [] }, ...parts]);
}

/** Axis i of `dims` becomes axis `to(i)` of `result`; undefined: it is gone, and any of its places may be meant. */
function spread(
  x: Latest,
  dims: readonly number[],
  result: readonly number[],
  to: (axis: number) => number | undefined,
): Latest {
  const strides = stridesOf(result);
  return moved(x, dims, ({ stride, latest }, axis) => {
    const place = to(axis);
    return place === undefined ? undefined : { stride: stride * strides[place]!, latest };
  });
}

/** Places `from` of an axis, in the order of the result's; NEVER: none of them. */
function chosen(x: Latest, dims: readonly number[], axis: number, from: readonly number[]): Latest {
  const result = dims.map((d, i) => (i === axis ? from.length : d));
  const strides = stridesOf(result);
  return moved(x, dims, ({ stride, latest }, own) => {
    if (own !== axis) return { stride: stride * strides[own]!, latest };
    if (stride !== 1 || latest.length !== dims[axis]) return undefined;
    return { stride: strides[axis]!, latest: Int32Array.from(from, (i) => latest[i] ?? NEVER) };
  });
}

/** Tensors side by side along an axis. */
function joined(
  parts: readonly Latest[],
  dims: readonly (readonly number[])[],
  { result, along }: { readonly result: readonly number[]; readonly along: number },
): Latest {
  const strides = stridesOf(result);
  const own = new Int32Array(result[along]!).fill(NEVER);
  let before = 0;
  const others = parts.map((part, i) => {
    const length = dims[i]![along]!;
    const from = before;
    before += length;
    return moved(part, dims[i]!, ({ stride, latest }, axis) => {
      if (axis !== along) return { stride: stride * strides[axis]!, latest };
      if (stride !== 1 || latest.length !== length) return undefined;
      for (const [place, token] of latest.entries())
        own[from + place] = Math.max(own[from + place]!, token);
      return 'elsewhere';
    });
  });
  const axis = { all: NEVER, digits: [{ stride: strides[along]!, latest: own }] };
  return join(own.some((token) => token !== NEVER) ? [...others, axis] : others);
}

/** Of rows × columns, the last two axes: how many columns each row sees, those before the others. */
type Seen = readonly number[];

/** 0 where a row sees a column, 1 or −depth elsewhere. */
interface Mask {
  readonly seen: Seen;
  readonly columns: number;
  readonly hidden: number;
}

/** Masked scores. */
interface Masked {
  readonly kind: 'masked';
  readonly mask: Mask;
  /** Least of what is seen, most of what is not. */
  readonly lo: number;
  readonly hidden: number;
  readonly latest: Latest;
}
/** The largest of masked scores in each row, of one block of columns or several. */
interface Best {
  readonly kind: 'best';
  /** Which rows see any column. */
  readonly rows: readonly boolean[];
  readonly lo: number;
  readonly hidden: number;
  readonly latest: Latest;
}
/** How far scores lie below the best, at least where they are not seen. */
interface Below {
  readonly kind: 'below';
  readonly mask: Mask;
  readonly least: number;
  readonly latest: Latest;
}
/** Weights of scores: 0 where they are not seen. */
interface Weights {
  readonly kind: 'weights';
  readonly mask: Mask;
}
type Score = Masked | Best | Below | Weights;
/** What is known of a node's result beside what its operator says of any numbers. */
interface Known {
  readonly score?: Score | undefined;
  readonly latest?: Latest;
}

/** One sequence's part of a tensor's dimensions. */
const partOf = (v: Value, sequences: number): number[] =>
  v.perSequence ? [v.dims[0]! / sequences, ...v.dims.slice(1)] : [...v.dims];

const isScalar = (v: Value): boolean => sizeOf(v.dims) === 1;

/** Leading ones, then rows × columns. */
const isPlane = (dims: readonly number[]): boolean =>
  dims.length >= 2 && dims.slice(0, -2).every((d) => d === 1);

/** Columns that each row sees before the others, of places of rows and columns that rise. */
function seenOf(
  rows: ArrayLike<number>,
  columns: ArrayLike<number>,
  isHidden: (column: number, row: number) => boolean,
): Seen | undefined {
  for (let j = 1; j < columns.length; j++) if (columns[j]! < columns[j - 1]!) return undefined;
  return Array.from(rows, (row) => {
    let [low, high] = [0, columns.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isHidden(columns[middle]!, row)) high = middle;
      else low = middle + 1;
    }
    return low;
  });
}

/** A mask that is written out. */
function maskOf(v: Value): Mask | undefined {
  const [rows, columns] = v.dims.slice(-2) as [number, number];
  if (!isPlane(v.dims) || !v.constant) return undefined;
  let hidden = -Infinity;
  const seen: number[] = [];
  for (let i = 0; i < rows; i++) {
    let count = 0;
    while (count < columns && v.constant[i * columns + count] === 0) count++;
    for (let j = count; j < columns; j++) {
      const x = v.constant[i * columns + j]!;
      if (x >= 0) return undefined;
      hidden = Math.max(hidden, x);
    }
    seen.push(count);
  }
  return hidden < 0 && hidden > -Infinity ? { seen, columns, hidden } : undefined;
}

/** Whether a comparison that hides later columns has the column's place on its left, and whether equal ones are seen. */
const COMPARISONS: ReadonlyMap<string, { columnFirst: boolean; isStrict: boolean }> = new Map([
  ['Greater', { columnFirst: true, isStrict: true }],
  ['GreaterOrEqual', { columnFirst: true, isStrict: false }],
  ['Less', { columnFirst: false, isStrict: true }],
  ['LessOrEqual', { columnFirst: false, isStrict: false }],
]);

/** A mask by comparison of columns' places [.., 1, K] with rows' [.., S, 1]. */
function placesOf(column: Value, row: Value, op: string): Mask | undefined {
  const isLine = ({ dims, constant }: Value, one: -1 | -2): boolean =>
    constant !== undefined && isPlane(dims) && dims.at(one) === 1;
  if (!isLine(column, -2) || !isLine(row, -1)) return undefined;
  const { isStrict } = COMPARISONS.get(op)!;
  const seen = seenOf(row.constant!, column.constant!, (c, r) => (isStrict ? c > r : c >= r));
  return seen && { seen, columns: column.dims.at(-1)!, hidden: 1 };
}

/** Follows one shape's segments in order. */
export class Causality {
  readonly #sequences: number;
  /** Of what segments to come may read. */
  readonly #handed = new Map<string, Latest>();
  // Of the segment that is looked at.
  readonly #latest = new Map<string, Latest>();
  #values: ReadonlyMap<string, Value> = new Map();
  readonly #scores = new Map<string, Score>();
  readonly #masks = new Map<string, Mask>();
  #work = 0;

  constructor(
    { sequences, tokens }: Pick<Shape, 'sequences' | 'tokens'>,
    widths: readonly number[],
  ) {
    this.#sequences = sequences;
    const own = Int32Array.from({ length: tokens }, (_, i) => i);
    this.#handed.set('tokens', { all: NEVER, digits: [{ stride: 1, latest: own }] });
    for (const [i, stride] of widths.entries())
      this.#handed.set(`e${i}`, { all: NEVER, digits: [{ stride, latest: own }] });
  }

  /**
   * Looks at a segment. @param output its operand, or the answer @param columns of the product that follows
   * @returns the node that lets a row of the output depend on a later token, and the token
   */
  segment(
    { graph, values }: SegmentFacts,
    output: string,
    columns: number | undefined,
  ): { node: OnnxNode; refused: Refused } | undefined {
    this.#values = values;
    for (const map of [this.#latest, this.#scores, this.#masks]) map.clear();
    for (const { name } of graph.constants) this.#latest.set(name, NOTHING);
    for (const { name } of graph.inputs) this.#latest.set(name, this.#handed.get(name)!);
    for (const node of graph.nodes) this.#node(node);
    for (const { name } of graph.outputs) this.#handed.set(name, this.#latest.get(name)!);
    const found = this.#latest.get(output)!;
    const dims = this.#part(output);
    const [rows, width] = dims as [number, number];
    const late = lateRow(found, rows, width);
    if (late !== undefined) {
      const sentence = `lets row ${late.row} of '${output}' depend on token ${late.token}`;
      return { node: this.#culprit(graph, output), refused: new Refused('causal', sentence) };
    }
    if (columns !== undefined) {
      const product = spread(found, dims, [rows, columns], (axis) => (axis ? undefined : 0));
      this.#handed.set(`c${output.slice(1)}`, product);
    }
    return undefined;
  }

  /** The last node on the way to an output of which all entries depend on later tokens, though no operand's do. */
  #culprit(graph: OnnxGraph, output: string): OnnxNode {
    const makers = new Map(graph.nodes.map((node) => [node.outputs[0]!, node]));
    let at = makers.get(output)!;
    for (;;) {
      const next = at.inputs.find((name) => makers.has(name) && this.#latest.get(name)!.all > 0);
      if (next === undefined) return at;
      at = makers.get(next)!;
    }
  }

  #spend(numbers: number): void {
    this.#work += numbers;
    demand(this.#work <= WORK_MAX, 'work', `over ${WORK_MAX} numbers on which places depend`);
  }

  #part = (name: string): number[] => partOf(this.#values.get(name)!, this.#sequences);

  #numbers(name: string | undefined): number[] {
    const constant = this.#values.get(name ?? '')?.constant ?? [];
    this.#spend(constant.length);
    return Array.from(constant, Number);
  }

  #node(node: OnnxNode): void {
    const [name] = node.outputs as [string];
    if (!this.#values.get(name)!.perSequence) {
      this.#latest.set(name, NOTHING);
      const mask = this.#maskBy(node);
      if (mask) this.#masks.set(name, mask);
      return;
    }
    for (const input of node.inputs)
      for (const { latest } of this.#latest.get(input)!.digits) this.#spend(latest.length);
    const { score, latest } = this.#known(node);
    this.#latest.set(name, latest ?? this.#of(node));
    if (score) this.#scores.set(name, score);
  }

  /** The latest tokens of a node's result, whatever its numbers are. */
  #of(node: OnnxNode): Latest {
    const x = node.inputs.map((input) => this.#latest.get(input)!);
    const dims = node.inputs.map(this.#part);
    const result = this.#part(node.outputs[0]!);
    const { attributes: { axis, perm } } = node; // prettier-ignore
    const [first, second] = x as [Latest, Latest];
    const [own, other] = dims as [number[], number[]];
    switch (node.op) {
      case 'Reshape':
        return first;
      case 'Transpose': {
        const order = perm as readonly number[];
        return spread(first, own, result, (d) => order.indexOf(d));
      }
      case 'Slice': {
        const [starts, ends, axes] = node.inputs.slice(1).map((input) => this.#numbers(input));
        let [cut, size] = [first, own];
        for (const [i, along] of axes!.entries()) {
          const length = ends![i]! - starts![i]!;
          const from = Array.from({ length }, (_, place) => starts![i]! + place);
          cut = chosen(cut, size, along, from);
          size = size.with(along, length);
        }
        return cut;
      }
      case 'Concat': {
        return joined(x, dims, { result, along: axisOf(axis, own.length) });
      }
      case 'ReduceSum':
      case 'ReduceMax': {
        const axes = this.#numbers(node.inputs[1]).map((d) => axisOf(d, own.length));
        const kept = own.map((d, i) => (axes.includes(i) ? 1 : d));
        // Without the axes of length 1 the entries lie as they do with them.
        return spread(first, own, kept, (d) => (axes.includes(d) ? undefined : d));
      }
      case 'GatherElements':
        return second;
      case 'Gather': {
        const along = axisOf(axis, own.length);
        if (this.#values.get(node.inputs[0]!)!.perSequence)
          return chosen(first, own, along, this.#numbers(node.inputs[1]));
        // A table's rows by the unit's numbers: each number is a row.
        return spread(second, other, result, (d) => d);
      }
      case 'MatMul': {
        const rank = result.length;
        const left = spread(first, own, result, (d) => (d === rank - 1 ? undefined : d));
        const right = spread(second, other, result, (d) => {
          const place = d + rank - other.length;
          return place === rank - 2 ? undefined : place;
        });
        return join([left, right]);
      }
      default:
        return join(
          x.map((part, i) =>
            spread(part, dims[i]!, result, (d) => d + result.length - dims[i]!.length),
          ),
        );
    }
  }

  /** A mask that a node makes of constants, by comparison of places. */
  #maskBy({ op, inputs }: OnnxNode): Mask | undefined {
    if (op === 'Cast') return this.#masks.get(inputs[0]!);
    const [a, b] = inputs.map((name) => this.#values.get(name)!) as [Value, Value];
    const comparison = COMPARISONS.get(op);
    if (comparison) return comparison.columnFirst ? placesOf(a, b, op) : placesOf(b, a, op);
    if (op !== 'Mul') return undefined;
    const mask = this.#masks.get(inputs[0]!) ?? this.#masks.get(inputs[1]!);
    const factor = [a, b].find((v) => v.constant && isScalar(v))?.constant![0];
    const isMask = mask && factor !== undefined && mask.hidden * factor < 0;
    return isMask ? { ...mask, hidden: mask.hidden * factor } : undefined;
  }

  #known(node: OnnxNode): Known {
    const [a, b] = node.inputs as [string, string | undefined];
    const [x, y] = [this.#scores.get(a), this.#scores.get(b ?? '')];
    if (!x && !y) return node.op === 'Add' ? { score: this.#masked(node) } : {};
    if (x?.kind === 'masked') return node.op === 'ReduceMax' ? bestOf(this.#best(node, x)) : {};
    if (x?.kind === 'best') return this.#afterBest(node, x, y);
    if (x?.kind === 'weights') return this.#afterWeights(node, x);
    const below = x ?? y;
    return below?.kind === 'below' ? this.#afterBelow(node, below) : {};
  }

  /** Weights, if they are 0 where scores are not seen; or a distance still. */
  #afterBelow(node: OnnxNode, x: Below): Known {
    if (node.op !== 'GatherElements') return { score: this.#further(node, x) };
    const table = this.#values.get(node.inputs[0]!)!.constant!;
    const from = Math.max(0, Math.ceil(x.least));
    this.#spend(table.length);
    let isNothing = from < table.length;
    for (let i = from; i < table.length; i++) isNothing &&= table[i] === 0;
    return isNothing ? { latest: x.latest, score: { kind: 'weights', mask: x.mask } } : {};
  }

  /** The best of more blocks, or the distance from it. */
  #afterBest(node: OnnxNode, x: Best, y: Score | undefined): Known {
    if (node.op === 'Max' && y?.kind === 'best') {
      // A row of one block that serves several of another sees for none of them but the first.
      const [own, other] = node.inputs.map(this.#part) as [number[], number[]];
      const isAligned = own.join() === other.join() && x.rows.length === y.rows.length;
      if (!isAligned) return {};
      return bestOf({
        kind: 'best',
        rows: x.rows.map((sees, i) => sees || y.rows[i]!),
        lo: Math.min(x.lo, y.lo),
        hidden: Math.max(x.hidden, y.hidden),
        latest: this.#joined(node, [x.latest, y.latest]),
      });
    }
    if (node.op !== 'Sub' || !isKnown(x) || y?.kind !== 'masked') return {};
    const { mask, hidden } = y;
    const seen = seenLatest(y, this.#part(node.inputs[1]!));
    const latest = this.#joined(node, [x.latest, seen]);
    return { score: { kind: 'below', mask, least: x.lo - hidden, latest } };
  }

  #afterWeights(node: OnnxNode, x: Weights): Known {
    if (node.op === 'Reshape') return { score: x };
    return node.op === 'MatMul' ? { latest: this.#weighted(node, x) } : {};
  }

  /** Weights times values: of a value that a row does not see it takes nothing. */
  #weighted(node: OnnxNode, { mask: { seen, columns } }: Weights): Latest {
    const [left, right] = node.inputs.map((name) => this.#latest.get(name)!) as [Latest, Latest];
    const [own, other] = node.inputs.map(this.#part) as [number[], number[]];
    const result = this.#part(node.outputs[0]!);
    const [rows, width] = result.slice(-2) as [number, number];
    const strides = stridesOf(result);
    const rank = result.length;
    // A row may be one of several heads' of a token.
    const isFit = own.at(-1) === columns && rows % seen.length === 0;
    const values = moved(right, other, ({ stride, latest }, axis) => {
      const place = axis + rank - other.length;
      if (place !== rank - 2) return { stride: stride * strides[place]!, latest };
      if (!isFit || stride !== 1 || latest.length !== columns) return undefined;
      return { stride: width, latest: upTo(latest, seen) };
    });
    return join([spread(left, own, result, (d) => (d === rank - 1 ? undefined : d)), values]);
  }

  /** Latest tokens of operands that have the node's own size or are broadcast to it. */
  #joined(node: OnnxNode, parts: readonly Latest[]): Latest {
    const result = this.#part(node.outputs[0]!);
    return join(
      parts.map((part, i) => {
        const dims = this.#part(node.inputs[i]!);
        return spread(part, dims, result, (d) => d + result.length - dims.length);
      }),
    );
  }

  #masked(node: OnnxNode): Masked | undefined {
    const [a, b] = node.inputs as [string, string];
    const maskAt = (name: string): Mask | undefined => {
      const known = this.#masks.get(name);
      if (known) return known;
      const value = this.#values.get(name)!;
      if (!value.constant || isScalar(value)) return undefined;
      this.#spend(value.constant.length);
      return maskOf(value);
    };
    const [first, second] = [maskAt(a), maskAt(b)];
    const [mask, name] = first ? [first, b] : [second, a];
    const scores = this.#values.get(name)!;
    const [rows, columns] = scores.dims.slice(-2);
    const isFit = mask && scores.perSequence && scores.dims.length >= 3;
    if (!isFit || rows !== mask.seen.length || columns !== mask.columns) return undefined;
    const { lo, hi } = scores;
    return { kind: 'masked', mask, lo, hidden: hi + mask.hidden, latest: this.#latest.get(name)! };
  }

  #best(node: OnnxNode, x: Masked): Best | undefined {
    const dims = this.#part(node.inputs[0]!);
    const axes = this.#numbers(node.inputs[1]).map((d) => axisOf(d, dims.length));
    if (axes.length !== 1 || axes[0] !== dims.length - 1) return undefined;
    const kept = dims.with(-1, 1);
    const latest = spread(seenLatest(x, dims), dims, kept, (d) => (d === axes[0] ? undefined : d));
    const { lo, hidden, mask } = x;
    return { kind: 'best', rows: mask.seen.map((count) => count > 0), lo, hidden, latest };
  }

  /** The least distance after an operator that does not fall where its operand rises. */
  #further(node: OnnxNode, x: Below): Below | undefined {
    const at = node.inputs.findIndex((name) => this.#scores.has(name));
    const others = node.inputs.filter((_, i) => i !== at).map((name) => this.#values.get(name)!);
    if (node.op === 'Reshape') return x;
    if (at < 0 || others.some((v) => !v.constant)) return undefined;
    const constants = others.map((v) => v.constant!);
    const least = leastAfter(node.op.toLowerCase(), x.least, constants);
    const isSame = sizeOf(this.#part(node.outputs[0]!)) === sizeOf(this.#part(node.inputs[at]!));
    return least !== undefined && isSame ? { ...x, least } : undefined;
  }
}

/** The latest of the columns that each row sees. */
function upTo(latest: Int32Array, seen: Seen): Int32Array {
  const before = new Int32Array(latest.length + 1).fill(NEVER);
  for (let j = 0; j < latest.length; j++) before[j + 1] = Math.max(before[j]!, latest[j]!);
  return Int32Array.from(seen, (count) => before[count]!);
}

const bestOf = (score: Best | undefined): Known =>
  score && isKnown(score) ? { score, latest: score.latest } : { score };

/** Whether every row's largest score is one that it sees. */
const isKnown = ({ rows, lo, hidden }: Best): boolean => rows.every(Boolean) && hidden < lo;

/** The latest tokens of the scores that are seen, as far as their rows tell. */
function seenLatest({ latest, mask: { seen, columns } }: Masked, dims: readonly number[]): Latest {
  const parts = latest.digits.map((digit): Latest => {
    const isColumn = digit.stride === 1 && digit.latest.length === columns;
    const isSeen = isColumn && dims.at(-1) === columns;
    const seenOnly = isSeen ? { stride: columns, latest: upTo(digit.latest, seen) } : digit;
    return { all: NEVER, digits: [seenOnly] };
  });
  return join([{ all: latest.all, digits: [] }, ...parts]);
}

/** A row of [rows, width] that depends on a later token, and on which. */
function lateRow(
  { all, digits }: Latest,
  rows: number,
  width: number,
): { row: number; token: number } | undefined {
  if (all > 0) return { row: 0, token: all };
  for (const { stride, latest } of digits) {
    const isRow = stride === width && latest.length === rows;
    const row = latest.findIndex((token, i) => token > (isRow ? i : 0));
    if (row >= 0) return { row: isRow ? row : 0, token: latest[row]! };
  }
  return undefined;
}
