/**
 * The step of a model: its pass restricted to one token of each sequence, so that there is no second implementation
 * of a model. Nodes that work on each token's row by itself are kept, on one row. A constant along the tokens becomes
 * an input that is looked up at the position. The right operand of a product that holds a row of each token becomes
 * a cache, to which a step adds its row. What takes other tokens into a row in any other way is refused.
 *
 * After a row's own position a cache holds numbers of no meaning within the tensor's bounds: that no row depends on
 * them is what plan/causal proves of the pass.
 */
import type { Shape } from '../../../core/manifest.ts';
import { AppError } from '../../../lib/errors.ts';
import type { SegmentFacts } from '../../checker/admission.ts';
import { sizeOf, type Value } from '../../checker/value.ts';
import { interpret } from '../../interpreter.ts';
import type { OnnxNode, OnnxTensor, OnnxValue } from '../../package/onnx.ts';
import {
  allTokens,
  dimsOf,
  isToken,
  joined,
  plain,
  reshaped,
  tokensOf,
  type Axes,
} from './axes.ts';
import { causalProducts } from './causal-products.ts';

/** Numbers of a constant by position: row p, `width` numbers, is what position p reads. */
export interface PositionRows {
  readonly width: number;
  readonly data: Float32Array;
}
/**
 * A segment of the step. Its graph has the operator `Cache`: the one row of each sequence goes into the sequence's
 * cache at its position, and the result is as many of the cache's rows as the shape has tokens. Attributes: `axis` of
 * the tokens, and `room`: the rows of a cache.
 */
export interface StepFacts extends SegmentFacts {
  /** Of inputs that are no tensors of the pass: what they are looked up in. Dimensions sequences × width. */
  readonly byPosition: ReadonlyMap<string, PositionRows>;
}
/** The step of one shape, for `sequences` sequences of one token. */
export interface StepModel {
  readonly shape: Pick<Shape, 'sequences' | 'tokens' | 'carries'>;
  readonly facts: readonly StepFacts[];
}

/** How large a step is. */
export interface StepSize {
  /** Sequences that it is made for. */
  readonly sequences: number;
  /** Tokens that a cache has room for: as many or more than the shape has. */
  readonly room: number;
}

/**
 * The step of an admitted shape.
 * @throws AppError MODEL_REFUSED with the node's name, where a row needs another row
 */
export function restrictModel(
  shape: Pick<Shape, 'sequences' | 'tokens' | 'carries'>,
  facts: readonly SegmentFacts[],
  { sequences, room }: StepSize,
): StepModel {
  if (shape.tokens < 2) throw new AppError('MODEL_REFUSED', 'a shape of one token has no step');
  const handed = new Map<string, Axes>();
  const steps = facts.map((segment, index) =>
    new Restriction(segment, { shape, sequences, room, handed }).run(index),
  );
  const carries = shape.carries.map((c) => ({ ...c, size: c.size / shape.tokens }));
  return { shape: { sequences, tokens: 1, carries }, facts: steps };
}

interface Setting extends StepSize {
  readonly shape: Pick<Shape, 'sequences' | 'tokens'>;
  /** Of tensors that earlier segments handed on. */
  readonly handed: Map<string, Axes>;
}

/** A beginning that no name of a segment has. */
function freePrefix({ graph, values }: SegmentFacts): string {
  const names = [...values.keys(), ...graph.constants.map(({ name }) => name)];
  let prefix = 'step.';
  while (names.some((name) => name.startsWith(prefix))) prefix += '.';
  return prefix;
}

/** Operators on single entries, operand by operand. */
const POINTWISE = new Set(
  'Add Sub Mul Div Min Max Floor Sqrt Clip Cast Greater GreaterOrEqual Less LessOrEqual'.split(' '),
);
const MOVES = new Set(['Reshape', 'Transpose', 'Slice']);

class Restriction {
  readonly #facts: SegmentFacts;
  readonly #shape: Setting['shape'];
  readonly #sequences: number;
  readonly #room: number;
  /** Of products, made when the first cache is asked for. */
  #causal: ReturnType<typeof causalProducts> | undefined;
  readonly #handed: Setting['handed'];
  /** Of all in the segment that depends on the unit, in the pass. */
  readonly #axes = new Map<string, Axes>();
  readonly #makers = new Map<string, OnnxNode>();
  readonly #constants: Map<string, OnnxTensor>;
  /** What nodes make of constants, as far as it was asked for. */
  readonly #folded = new Map<string, OnnxTensor>();
  readonly #nodes: OnnxNode[] = [];
  readonly #values: Map<string, Value>;
  readonly #byPosition = new Map<string, PositionRows>();
  readonly #inputs: OnnxValue[];
  /** With which names begin that are not the package's, so that none of its tensors is taken for another. */
  readonly #prefix: string;
  /** Names of what was made once: caches, rows of constants. */
  readonly #made = new Map<string, string>();

  constructor(facts: SegmentFacts, { shape, sequences, room, handed }: Setting) {
    this.#facts = facts;
    this.#prefix = freePrefix(facts);
    this.#shape = shape;
    this.#sequences = sequences;
    this.#room = room;
    this.#handed = handed;
    this.#constants = new Map(facts.graph.constants.map((c) => [c.name, c]));
    this.#values = new Map(facts.values);
    this.#inputs = facts.graph.inputs.map((input) => {
      const found = handed.get(input.name) ?? this.#inputAxes(input);
      this.#axes.set(input.name, found);
      return { ...input, dims: this.#restricted(input.name, found) };
    });
  }

  run(segment: number): StepFacts {
    for (const node of this.#facts.graph.nodes) {
      this.#makers.set(node.outputs[0]!, node);
      try {
        this.#node(node);
      } catch (e) {
        if (!(e instanceof NeedsOtherRows)) throw e;
        throw new AppError('MODEL_REFUSED', `seg-${segment}/${node.name}: ${e.message}`);
      }
    }
    const outputs = this.#facts.graph.outputs.map((output) => {
      const axes = this.#axes.get(output.name)!;
      if (tokensOf(axes).n < this.#shape.tokens)
        throw new AppError('MODEL_REFUSED', `seg-${segment}: '${output.name}' has no row a token`);
      this.#handed.set(output.name, axes);
      return { ...output, dims: this.#values.get(output.name)!.dims };
    });
    const graph = {
      nodes: this.#nodes,
      constants: [...this.#constants.values()],
      inputs: this.#inputs,
      outputs,
    };
    return { graph, values: this.#values, byPosition: this.#byPosition };
  }

  /** Tokens are [B, S], rows of tables and products [B·S, n]. */
  #inputAxes({ name, dims }: OnnxValue): Axes {
    const token = { n: this.#shape.tokens, from: 0 };
    return name === 'tokens' ? [[], [token]] : [[token], plain(dims[1]!)];
  }

  /** Notes the dimensions of a tensor's row, or of all of it. @returns them */
  #restricted(name: string, axes: Axes, whole = false, as = name): readonly number[] {
    const dims = dimsOf(axes, this.#sequences, whole);
    this.#values.set(as, { ...this.#facts.values.get(name)!, dims, perSequence: true });
    return dims;
  }

  #emit(node: OnnxNode): string {
    this.#nodes.push(node);
    return node.outputs[0]!;
  }

  #node(node: OnnxNode): void {
    const name = node.outputs[0]!;
    const value = this.#facts.values.get(name)!;
    if (!value.perSequence) {
      // Constants of constants; who reads a row of them takes it from its own operands.
      this.#emit(node);
      return;
    }
    const axes = this.#axesOf(node, value);
    this.#axes.set(name, axes);
    need(allTokens(axes).length === 1, 'tokens on two axes, or on none');
    // Some tokens of a sequence: only products read them, out of a cache.
    if (tokensOf(axes).n < this.#shape.tokens) {
      need(MOVES.has(node.op), 'works on some tokens of a sequence');
      return;
    }
    const dims = this.#restricted(name, axes);
    this.#emit({ ...node, inputs: this.#operands(node, axes, dims) });
  }

  #isUnit = (name: string): boolean => this.#axes.has(name);

  /** Axes of a result in the pass. */
  #axesOf(node: OnnxNode, { dims }: Value): Axes {
    const { op, inputs } = node;
    const x = this.#axes.get(inputs[0]!);
    if (POINTWISE.has(op)) return this.#pointwise(node, dims);
    if (op === 'MatMul') return this.#product(node, dims);
    if (op === 'Gather' || op === 'GatherElements') return this.#lookup(node, dims);
    need(x, 'reads no tensor of the unit first');
    switch (op) {
      case 'Reshape': {
        const found = reshaped(x, dims, this.#shape.sequences);
        need(found, 'an axis begins or ends among the tokens');
        return found;
      }
      case 'Transpose':
        return (node.attributes.perm as number[]).map((p) => x[p]!);
      case 'Slice':
        return this.#slice(node, x, dims);
      case 'Concat': {
        const axis = this.#axis(node, x.length);
        const parts = inputs.map((i) => this.#axes.get(i)!);
        need(!parts.some((p) => p[axis]!.some(isToken)), 'joins tokens');
        const all = parts.map((p): Axes => p.map((f, i) => (i === axis ? plain(dims[axis]!) : f)));
        return all.reduce((a, b) => this.#joined(a, b));
      }
      case 'ReduceSum':
      case 'ReduceMax': {
        const over = this.#numbers(inputs[1]!).map((a) => (a < 0 ? a + x.length : a));
        need(!over.some((a) => x[a]!.some(isToken)), 'reduces over tokens');
        const kept = x.map((f, i) => (over.includes(i) ? [] : f));
        return node.attributes.keepdims ? kept : kept.filter((_, i) => !over.includes(i));
      }
      default:
        throw new NeedsOtherRows(`operator ${op} has no step`);
    }
  }

  #axis = ({ attributes }: OnnxNode, rank: number): number =>
    ((attributes.axis as number) + rank) % rank;

  #numbers = (name: string): number[] => Array.from(this.#constant(name).data, Number);

  #joined(a: Axes, b: Axes): Axes {
    const found = joined(a, b);
    need(found, 'tokens meet something else than the same tokens');
    return found;
  }

  #pointwise({ inputs }: OnnxNode, dims: readonly number[]): Axes {
    const units = inputs.filter(this.#isUnit).map((i) => this.#axes.get(i)!);
    const all = units.reduce((a, b) => this.#joined(a, b));
    // What only a constant has.
    return all.map((f, i) => (f.length || !i ? f : plain(dims[i]!)));
  }

  #slice({ inputs }: OnnxNode, x: Axes, dims: readonly number[]): Axes {
    const [from, , over] = inputs.slice(1).map((i) => this.#numbers(i));
    return x.map((factors, axis) => {
      const at = over!.indexOf(axis);
      if (at < 0) return factors;
      if (!factors.some(isToken)) return plain(dims[axis]!);
      const [token, ...others] = factors;
      need(token && !others.length, 'cuts an axis of tokens and others');
      return [{ n: dims[axis]!, from: token.from! + from![at]! }];
    });
  }

  /** Entries of a table by numbers of the unit, or of a tensor of the unit by constant numbers. */
  #lookup(node: OnnxNode, dims: readonly number[]): Axes {
    const [data, places] = node.inputs.map((i) => this.#axes.get(i));
    if (places) return [...places, ...dims.slice(places.length).map(plain)];
    need(data, 'reads no tensor of the unit');
    const axis = this.#axis(node, data.length);
    need(!data[axis]!.some(isToken), 'picks tokens');
    const more = dims.length - data.length + 1;
    const picked = dims.slice(axis, axis + more).map(plain);
    return [...data.slice(0, axis), ...picked, ...data.slice(axis + 1)];
  }

  #product(node: OnnxNode, dims: readonly number[]): Axes {
    const [x, y] = node.inputs.map((i) => this.#axes.get(i));
    need(x, 'the left operand is no tensor of the unit');
    need(!x.at(-1)!.some(isToken), 'sums over tokens');
    const rows = x.slice(0, -1);
    if (!y) return [...rows, plain(dims.at(-1)!)];
    const isCache = this.#isCache(node);
    const shared = y.slice(0, -2);
    need(!isCache || !shared.flat().some(isToken), 'tokens beside tokens');
    const lead = this.#joined(rows.slice(0, -1), shared);
    return [...lead, rows.at(-1)!, isCache ? plain(dims.at(-1)!) : y.at(-1)!];
  }

  /** Whether a product's right operand holds rows of all tokens. */
  #isCache({ inputs: [, right] }: OnnxNode): boolean {
    return this.#axes.get(right!)?.slice(-2).flat().some(isToken) ?? false;
  }

  /** Names of a node's operands in the step. */
  #operands(node: OnnxNode, axes: Axes, dims: readonly number[]): string[] {
    const { op, inputs } = node;
    if (op === 'Reshape') return [this.#row(inputs[0]!), this.#shapeOf(dims)];
    if (POINTWISE.has(op))
      return inputs.map((i) => (this.#isUnit(i) ? this.#row(i) : this.#constantRow(i, axes)));
    if (op !== 'MatMul' || !this.#isCache(node))
      return inputs.map((i) => (this.#isUnit(i) ? this.#row(i) : i));
    this.#needCausal(node);
    return [this.#row(inputs[0]!), this.#whole(inputs[1]!)];
  }

  /** Refuses a product whose row i needs a row of its cache after i. */
  #needCausal(node: OnnxNode): void {
    this.#causal ??= causalProducts(this.#facts);
    const found = this.#causal(node);
    const right = this.#axes.get(node.inputs[1]!)!;
    const { axis, from } = tokensOf(right);
    const skip = axis === right.length - 1 ? 'columns' : 'depths';
    const isProven =
      found?.skip === skip && found.rows === this.#shape.tokens && found.diagonal + from <= 0;
    need(isProven, 'no mask keeps what later tokens make out of a row');
  }

  /** A tensor of the unit of which there is a row for each token. */
  #row(name: string): string {
    const { n } = tokensOf(this.#axes.get(name)!);
    need(n === this.#shape.tokens, 'reads some tokens of a sequence');
    return name;
  }

  /** A tensor with the rows of all tokens, or of some: out of a cache. */
  #whole(name: string): string {
    const known = this.#made.get(name);
    if (known) return known;
    const axes = this.#axes.get(name)!;
    const { axis, n } = tokensOf(axes);
    const as = `${this.#prefix}${name}.all`;
    const dims = this.#restricted(name, axes, true, as);
    this.#made.set(name, as);
    if (n === this.#shape.tokens) {
      need(axis > 0 && axes[axis]!.length === 1, 'rows of tokens that are no axis of their own');
      return this.#emit({
        name: as,
        op: 'Cache',
        inputs: [name],
        outputs: [as],
        attributes: { axis, room: this.#room },
      });
    }
    const node = this.#makers.get(name)!;
    const [from, ...others] = node.inputs as [string, ...string[]];
    const inputs = [this.#whole(from), ...(node.op === 'Reshape' ? [this.#shapeOf(dims)] : others)];
    return this.#emit({ ...node, name: as, inputs, outputs: [as] });
  }

  #shapeOf(dims: readonly number[]): string {
    const name = `${this.#prefix}shape.${dims.join('.')}`;
    const data = BigInt64Array.from(dims, BigInt);
    this.#constants.set(name, { name, type: 'int64', dims: [dims.length], data });
    return name;
  }

  /** What a row reads of a constant, where its reader has `axes`: the constant, or an input of its position. */
  #constantRow(name: string, axes: Axes): string {
    const { dims, ...value } = this.#facts.values.get(name)!;
    const lead = axes.length - dims.length;
    const { axis, n } = tokensOf(axes);
    if ((dims[axis - lead] ?? 1) === 1) return name;

    const factors = axes[axis]!;
    const before = factors.findIndex(isToken);
    const [outer, inner] = [factors.slice(0, before), factors.slice(before + 1)].map((f) =>
      f.reduce((p, { n }) => p * n, 1),
    ) as [number, number];
    // The same constant may stand beside tensors of several ranks.
    const key = `${this.#prefix}${name}.at.${axis}.${axes.length}.${outer}.${n}`;
    const known = this.#made.get(key);
    if (known) return known;
    const full = [...new Array<number>(lead).fill(1), ...dims];
    const to = full.map((d, i) => (i === axis ? d / n : i ? d : this.#sequences));
    this.#made.set(key, key);
    this.#values.set(key, { ...value, dims: to, perSequence: true });
    const maker = this.#makers.get(name);
    if (maker && POINTWISE.has(maker.op)) {
      const inputs = maker.inputs.map((i) => this.#constantRow(i, axes));
      return this.#emit({ ...maker, name: key, inputs, outputs: [key] });
    }
    // Position outermost: [lead, outer, token, inner, rest] as token × the others.
    const from = sizeOf(full.slice(0, axis)) * outer;
    const behind = inner * sizeOf(full.slice(axis + 1));
    const { data } = this.#constant(name);
    const width = from * behind;
    const rows = Float32Array.from({ length: n * width }, (_, at) => {
      const [p, rest] = [Math.floor(at / width), at % width];
      const [i, j] = [Math.floor(rest / behind), rest % behind];
      return Number(data[(i * n + p) * behind + j]);
    });
    const input = `${key}.rows`;
    this.#byPosition.set(input, { width, data: rows });
    const { type } = value;
    const inputDims = [this.#sequences, width];
    this.#values.set(input, { ...value, dims: inputDims, perSequence: true });
    this.#inputs.push({ name: input, type: type === 'int32' ? type : 'float32', dims: inputDims });
    const inputs = [input, this.#shapeOf(to)];
    return this.#emit({ name: key, op: 'Reshape', inputs, outputs: [key], attributes: {} });
  }

  /** A constant, or what nodes make of constants. */
  #constant(name: string): OnnxTensor {
    const known = this.#constants.get(name) ?? this.#folded.get(name);
    if (known) return known;
    const node = this.#makers.get(name)!;
    const constants = [...new Set(node.inputs)].map((i) => this.#constant(i));
    const { data, dims } = interpret({ nodes: [node], constants }, new Map()).get(name)!;
    const made: OnnxTensor = { name, type: 'float32', dims, data };
    this.#folded.set(name, made);
    return made;
  }
}

/** Thrown inside the restriction only: a node takes other tokens into a row. */
class NeedsOtherRows extends Error {}
function need(condition: unknown, reason: string): asserts condition {
  if (!condition) throw new NeedsOtherRows(reason);
}
