/**
 * Chooses a decoder's integers layer by layer, each on what the layers before really give: ranges and weights of a
 * layer are found on calibration rows, its segments run on them, and the next one sees the result. Nothing here
 * depends on the engine: sums have one order, functions are the importer's own.
 */
import { assert } from '../../../src/lib/errors.ts';
import { QUERY_FINE, SCORE_BITS_MAX } from '../../decoder/attention.ts';
import type {
  DecoderConstants,
  DecoderSize,
  LayerConstants,
  Norm,
  ScaledLinear,
} from '../../decoder/description.ts';
import { OPERAND_MAX, QUERY_MAX } from '../../decoder/forms.ts';
import {
  changeMax,
  downFactorMax,
  LIMB_BITS,
  LIMBS_MAX,
  SILU_ENTRIES,
  SILU_FROM,
  UP_MAX,
} from '../../decoder/segments.ts';
import { openLayers, type State } from './exact-layer.ts';
import { FloatDecoder, Past, type FloatModel, type Sequence } from './float.ts';
import { kept, NO_KEEPER, type Keeper } from './keeper.ts';
import type { Arithmetic, Memory } from './kernel/arithmetic.ts';
import {
  columnQuantiles,
  exponentOf,
  quantile,
  quantised,
  Rounding,
  rowUnits,
  WEIGHT_MAX,
} from './quantise.ts';
import { ropeAngles } from './read/llama.ts';

/** Real value of a step of the residual stream. */
const STREAM_UNIT = 2 ** -9;
/** Share of a normed row, and of attention's results, that is cut. */
const CUT = 1e-4;
/** Share of the answer's entries that are cut. */
const ANSWER_CUT = 1e-5;
/** Rows whose entries are not asked what a column reaches: the largest of a column are few. */
const RARE = 1e-3;
/** Of queries' and keys' largest pair, and of values' largest entry, what the operands reach. */
const PAIR_REACH = 0.9;
const VALUE_REACH = 0.8;
/** Steps of a nat in softmax and SiLU. */
const STEPS = 64;
/** Of a sum of values, as attention divides it. */
const SUM_STEPS = 16;
const UP_ROOM = 1.25;
const LIMB = 2 ** LIMB_BITS;
/** Share of rows that may lose bits of silu(gate)·up's resolution. */
const SMALL_ROWS = 0.02;
const EMBED_SHIFT = 8;
const DIAGONAL_MAX = 4096;
/** Rows of the table that are rounded at once. */
const TABLE_ROWS = 4096;
/** The table's rows stay near the nearest integers, since segment 0 reads them too. */
const TABLE_DAMPING = 0.1;

export interface Calibrated {
  readonly constants: DecoderConstants;
  /** Nats of one step of a logit Σ row·answer·multiplier. */
  readonly logitUnit: number;
}

export interface CalibrationInput {
  readonly arithmetic: Arithmetic;
  /** Folded and turned (fold.ts). */
  readonly model: FloatModel;
  /** The token before each sequence, which no input holds. */
  readonly first: number;
  /** Of one length, a multiple of 16. */
  readonly sequences: readonly Uint32Array[];
  /** Of the same input: what it holds is gone on with. */
  readonly keeper?: Keeper;
  /** Called after each layer. */
  readonly onLayer?: (layer: number) => void;
}

/**
 * @param input of a model that has an exact form (form.ts)
 * @throws AppError MODEL_REFUSED: operands that are not finite, or what the checker refuses
 */
export async function calibrated(input: CalibrationInput): Promise<Calibrated> {
  return new Calibration(input).run();
}

/** Names of what is kept. */
const PROGRESS = 'progress';
const layerName = (layer: number): string => `layer-${layer}`;

const clamp = (x: number, low: number, high: number): number => Math.max(low, Math.min(high, x));
const largest = (x: Iterable<number>): number => {
  let most = 0;
  for (const v of x) most = Math.max(most, Math.abs(v));
  return most;
};

/** Twice what is seen of sums, and what 15 bits of it leave. */
const reachOf = (sums: Float32Array): number =>
  2 ** (exponentOf(2 * Math.max(largest(sums), 1)) + 1) - 1;

/** Columns of n × k weights times a number each. */
const byColumn = (w: Float32Array, of: (j: number) => number, k: number): Float32Array =>
  w.map((v, at) => v * of(at % k));

/** Constants that a graph can be made of before a layer's own are known. */
function blankLayer({ hidden, heads, keyHeads, head, ffn }: DecoderSize): LayerConstants {
  const linear = (n: number, k: number): ScaledLinear => ({
    weight: new Int8Array(n * k).fill(1),
    factors: new Float64Array(n).fill(2 ** -6),
  });
  const norm = { gain: 1, means: new Float64Array(hidden) };
  const [queries, keys] = [heads * head, keyHeads * head];
  return {
    attentionNorm: norm,
    qkv: linear(queries + 2 * keys, hidden),
    scoreBits: new Array<number>(heads).fill(4),
    firstKey: new Int16Array(keys).fill(1),
    firstValue: new Int8Array(keys).fill(127),
    contextGains: new Array<number>(heads).fill(32),
    out: linear(hidden, queries),
    ffnNorm: norm,
    gateUp: linear(2 * ffn, hidden),
    silu: new Float64Array(SILU_ENTRIES).fill(1),
    productShift: 0,
    down: linear(hidden, ffn),
    changeBits: 0,
  };
}

/** What a norm's operand stands for: (a + means)·unit. */
interface UnitNorm extends Norm {
  readonly unit: number;
}

type Table = Pick<DecoderConstants, 'rows' | 'multipliers' | 'embedShift' | 'frequencies'>;

/** Whose layers are known, and what the next one begins with. */
interface Progress {
  readonly layers: number;
  readonly state: State;
  readonly norm: UnitNorm;
}

/** What is taken from the float model of a layer. */
interface FloatFacts {
  /** Real value of a step of what `o` multiplies, about. */
  readonly reach: number;
  /** Key and value of the first token, by key head. */
  readonly first: readonly Memory[];
}

class Calibration {
  readonly #arithmetic: Arithmetic;
  readonly #model: FloatModel;
  readonly #input: CalibrationInput;
  readonly #size: DecoderSize;
  readonly #tokens: number;

  constructor(input: CalibrationInput) {
    this.#input = input;
    this.#arithmetic = input.arithmetic;
    this.#model = input.model;
    const { layers, hidden, heads, keyHeads, headWidth, ffn, vocabulary } = input.model.config;
    assert(input.model.last, 'the last norm has no gain');
    this.#size = { layers, hidden, heads, keyHeads, head: headWidth, ffn, vocabulary };
    this.#tokens = input.sequences[0]?.length ?? 0;
    assert(
      input.sequences.every(({ length }) => length === this.#tokens),
      'calibration sequences of several lengths',
    );
  }

  async run(): Promise<Calibrated> {
    const { keeper = NO_KEEPER, onLayer } = this.#input;
    const { facts, table } = await kept(keeper, 'float', () => this.#float());
    const embedded = await this.#embedded(table);
    const { cos, sin } = embedded.state;
    const { layers, ...before } = this.#done(keeper) ?? { layers: [], ...embedded };
    let { state, norm } = before;
    for (let i = layers.length; i < this.#size.layers; i++) {
      const started = { ...state, cos: cos!, sin: sin! };
      const made = await this.#layer(i, started, norm, facts[i]!);
      layers.push(made.layer);
      ({ state, norm } = made);
      keeper.write(layerName(i), made.layer);
      keeper.write(PROGRESS, { layers: i + 1, state, norm } satisfies Progress);
      onLayer?.(i);
    }
    const { last, unit } = this.#last(state, norm);
    const { gain, means } = norm;
    const constants: DecoderConstants = {
      size: this.#size,
      ...table,
      layers,
      lastNorm: { gain, means },
      last,
    };
    return { constants, logitUnit: (STREAM_UNIT * unit) / 2 ** EMBED_SHIFT };
  }

  /** What the float model gives on the calibration rows: of each layer, and for the table. */
  #float(): { facts: FloatFacts[]; table: Table } {
    const { sequences, first } = this.#input;
    const decoder = new FloatDecoder(this.#arithmetic, this.#model);
    const past = new Past();
    decoder.forward([{ ids: Uint32Array.of(first), past, keep: true }]);
    const floats: Sequence[] = sequences.map((ids) => ({ ids, past }));
    const facts: FloatFacts[] = [];
    const operand = decoder.forward(floats, (name, layer, x) => {
      if (name === 'context')
        facts[layer] = { reach: quantile(x, CUT) / OPERAND_MAX, first: past.memories(layer) };
    });
    return { facts, table: this.#table(operand) };
  }

  /** Layers that were done before, and what the next one begins with; undefined where a part is missing. */
  #done(keeper: Keeper) {
    const progress = keeper.read(PROGRESS) as Progress | undefined;
    const done = Array.from({ length: progress?.layers ?? 0 }, (_, i) => keeper.read(layerName(i)));
    const layers = done.filter((layer) => layer !== undefined) as LayerConstants[];
    return progress?.layers === layers.length ? { ...progress, layers } : undefined;
  }

  /**
   * Rows of the embedding as int8 and their multipliers. As the head's they are rounded on what the head reads.
   * @param operand of the float model's head, rows × hidden
   */
  #table(operand: Float32Array): Table {
    const { hidden: d, vocabulary } = this.#size;
    const rounding = new Rounding(this.#arithmetic, operand, d, TABLE_DAMPING);
    const rows = new Int8Array(vocabulary * d);
    const multipliers = new Int16Array(vocabulary);
    const fine = STREAM_UNIT / 2 ** EMBED_SHIFT;
    const inRange = (unit: number) => clamp(Math.round(unit / fine), 1, 32_767);
    for (let from = 0; from < vocabulary; from += TABLE_ROWS) {
      const real = this.#model.embedding.read(from, Math.min(vocabulary, from + TABLE_ROWS));
      const units = rowUnits(real, d, WEIGHT_MAX, rounding.energy).map((u) => inRange(u) * fine);
      rows.set(rounding.rows(real, units), from * d);
      // Rounded in steps of their multiplier: another one would undo what columns made up for each other.
      multipliers.set(units.map(inRange), from);
    }
    const frequencies = ropeAngles(this.#model.config, this.#arithmetic.pow);
    return { rows, multipliers, embedShift: EMBED_SHIFT, frequencies };
  }

  /** Segment 0: the stream, cos and sin, and the first norm's operand. */
  async #embedded(table: Table): Promise<{ state: State; norm: UnitNorm }> {
    const { sequences } = this.#input;
    const blank = blankLayer(this.#size);
    const open = (attentionNorm: Norm) =>
      openLayers(
        {
          ...table,
          size: { ...this.#size, layers: 1 },
          layers: [{ ...blank, attentionNorm }],
          lastNorm: blank.attentionNorm,
          last: blankLast(this.#size),
        },
        this.#tokens,
      );
    const before = await (await open(blank.attentionNorm)).embed(sequences);
    const norm = this.#norm(before['x0']!);
    return { state: await (await open(norm)).embed(sequences), norm };
  }

  /** Layers i and i + 1 of the package that is being made, on a table that reaches all of the stream's range. */
  #open(layer: LayerConstants, next: Norm = layer.attentionNorm) {
    const { head } = this.#size;
    const vocabulary = 256;
    const { hidden } = this.#size;
    return openLayers(
      {
        size: { ...this.#size, layers: 2, vocabulary },
        rows: new Int8Array(vocabulary * hidden).map((_, at) => (at & 1 ? -127 : 127)),
        multipliers: new Int16Array(vocabulary).fill(32_767),
        embedShift: 1,
        frequencies: new Float64Array(head / 2).fill(1),
        layers: [layer, { ...layer, attentionNorm: next }],
        lastNorm: next,
        last: blankLast(this.#size),
      },
      this.#tokens,
    );
  }

  /** Norm into an operand of all but the rarest entries, each column from its mean. */
  #norm(stream: Int32Array): UnitNorm {
    const { hidden: d } = this.#size;
    const rows = stream.length / d;
    const x = new Float32Array(stream.length);
    const means = new Float64Array(d);
    for (let at = 0; at < x.length; at += d) {
      let sum = 0;
      for (let j = 0; j < d; j++) sum += stream[at + j]! ** 2;
      const root = Math.sqrt(Math.max(sum, 1) / d);
      for (let j = 0; j < d; j++) {
        x[at + j] = stream[at + j]! / root;
        means[j]! += x[at + j]! / rows;
      }
    }
    const most = quantile(
      x.map((v, at) => v - means[at % d]!),
      CUT,
    );
    // The graph divides by 2s, and s is √d/16 of the root mean square.
    const twice = Math.sqrt(d) / 8;
    const gain = clamp(Math.round((twice * OPERAND_MAX) / most), 1, 800);
    const unit = twice / gain;
    return { gain, unit, means: means.map((m) => Math.round(m / unit)) };
  }

  /** Weights for a norm's operand, and what its means add to each output. */
  #afterNorm(w: Float32Array, { unit, means }: UnitNorm, bias?: Float32Array) {
    const d = this.#size.hidden;
    const rows = byColumn(w, () => unit, d);
    const offsets = new Float64Array(w.length / d);
    for (let i = 0; i < offsets.length; i++) {
      let sum: number = bias?.[i] ?? 0;
      for (let j = 0; j < d; j++) sum += rows[i * d + j]! * means[j]!;
      offsets[i] = sum;
    }
    return { rows, offsets };
  }

  /** What the float weights give of an operand's integers: rows × n. */
  #real(a: Float32Array, rows: Float32Array, offsets: Float64Array): Float32Array {
    const y = this.#arithmetic.multiply(a, rows, rows.length / offsets.length);
    return y.map((v, at) => v + offsets[at % offsets.length]!);
  }

  /** Integers of weights, and what brings their sums to steps of `units`. */
  #linear(
    rows: Float32Array,
    operand: Float32Array,
    units: Float64Array,
    offsets?: Float64Array,
  ): ScaledLinear {
    const { weight, units: own } = quantised(this.#arithmetic, rows, operand, units);
    return {
      weight,
      factors: own.map((u, i) => u / units[i]!),
      ...(offsets ? { offsets: offsets.map((b, i) => b / units[i]!) } : {}),
      reach: reachOf(this.#sums(operand, weight, units.length)),
    };
  }

  /** c of an operand's rows, of n columns. */
  #sums(operand: Float32Array, weight: Int8Array, n: number): Float32Array<ArrayBuffer> {
    return this.#arithmetic.multiply(operand, Float32Array.from(weight), weight.length / n);
  }

  async #layer(
    index: number,
    before: State,
    norm: UnitNorm,
    float: FloatFacts,
  ): Promise<{ layer: LayerConstants; state: State; norm: UnitNorm }> {
    const { hidden, ffn } = this.#size;
    const count = this.#input.sequences.length;
    const weights = this.#model.layer(index);
    const streamUnits = new Float64Array(hidden).fill(STREAM_UNIT);
    let layer: LayerConstants = { ...blankLayer(this.#size), attentionNorm: norm };

    // q, k, v and attention.
    const qkv = this.#afterNorm(weights.qkv, norm, weights.qkvBias);
    const a = Float32Array.from(before['a']!);
    const heads = this.#heads(this.#real(a, qkv.rows, qkv.offsets), float);
    layer = {
      ...layer,
      ...heads.constants,
      qkv: this.#linear(qkv.rows, a, heads.units, qkv.offsets),
    };
    let state = await (await this.#open(layer)).run(1, before, count);

    // o, and the stream before the next norm.
    const context = Float32Array.from(state['a']!);
    const { contextUnits } = heads;
    const outRows = byColumn(weights.o, (j) => contextUnits[j]!, contextUnits.length);
    layer = { ...layer, out: this.#linear(outRows, context, streamUnits) };
    const withStream = { ...state, x0: before['x0']! };
    const middle = await (await this.#open(layer)).run(2, withStream, count);
    const ffnNorm = this.#norm(middle['x1']!);
    layer = { ...layer, ffnNorm };
    state = await (await this.#open(layer)).run(2, withStream, count);
    const stream = state['x1']!;

    // Gate and up.
    const inner = Float32Array.from(state['a']!);
    const wide = this.#afterNorm(weights.gateUp, ffnNorm);
    const product = this.#product(
      this.#real(inner, wide.rows, wide.offsets),
      columnPeaks(weights.down, ffn),
    );
    layer = {
      ...layer,
      gateUp: this.#linear(wide.rows, inner, product.units, wide.offsets),
      silu: siluTable(this.#arithmetic),
      productShift: product.shift,
      rowShiftMax: product.rowShiftMax,
    };
    state = await (await this.#open(layer)).run(3, state, count);

    // Down, of both limbs, and the stream before the next layer's norm.
    const { down, changeBits } = this.#down(weights.down, [layer, state], product);
    layer = { ...layer, down, changeBits };
    const limbs = { ...state, x1: stream };
    const next = async (following?: Norm): Promise<State> => {
      const opened = await this.#open(layer, following);
      const low = await opened.run(4, limbs, count);
      return opened.run(5, { ...limbs, ...low }, count);
    };
    const after = this.#norm((await next())['x2']!);
    const { x2, ...rest } = await next(after);
    return { layer, state: { ...rest, x0: x2! }, norm: after };
  }

  /** Units of queries, keys and values from their real values, rows × n. */
  #heads(real: Float32Array, { reach: contextReach, first }: FloatFacts) {
    const { heads, keyHeads, head: e } = this.#size;
    const group = heads / keyHeads;
    const [half, n] = [e / 2, (heads + 2 * keyHeads) * e];
    const [nq, nk] = [heads * e, keyHeads * e];
    const rows = real.length / n;
    // Of each head of q and k and each pair that turns together: its length.
    const pairs = new Float32Array((rows * (nq + nk)) / 2);
    for (let i = 0; i < rows; i++)
      for (let p = 0; p < (nq + nk) / 2; p++) {
        const at = i * n + Math.floor(p / half) * e + (p % half);
        pairs[(i * (nq + nk)) / 2 + p] = Math.sqrt(real[at]! ** 2 + real[at + half]! ** 2);
      }
    const usual = columnQuantiles(pairs, (nq + nk) / 2, RARE);
    const most = columnQuantiles(pairs, (nq + nk) / 2, 0);

    const units = new Float64Array(n);
    const scoreBits = new Array<number>(heads);
    const firstKey = new Int16Array(nk);
    const firstValue = new Int8Array(nk);
    const contextGains = new Array<number>(heads);
    const contextUnits = new Float64Array(nq);
    for (let g = 0; g < keyHeads; g++) {
      const { keys, values } = first[g]!;
      const queries = Array.from({ length: group }, (_, h) => g * group + h);
      const ofQueries = (lengths: Float64Array, p: number): number =>
        Math.max(...queries.map((h) => lengths[h * half + p]!));
      const own = Float64Array.from({ length: half }, (_, p) =>
        Math.sqrt(keys[p]! ** 2 + keys[p + half]! ** 2),
      );
      const factors = pairFactors(
        own.map((v, p) => Math.max(v, usual[nq / 2 + g * half + p]!)),
        own.map((_, p) => ofQueries(usual, p)),
      );
      const reach = (lengths: (p: number) => number): number =>
        (PAIR_REACH * largest(factors.map((f, p) => lengths(p) * f))) / QUERY_MAX;
      let query = Math.max(
        reach((p) => ofQueries(most, p)),
        1e-9,
      );
      let key =
        (PAIR_REACH * largest(factors.map((f, p) => most[nq / 2 + g * half + p]! / f))) / QUERY_MAX;
      key = Math.max(key, 1e-9);
      // Both grow until 2^j steps of a score are 1/64 nat.
      const fine = (query * key) / Math.sqrt(e);
      const bits = clamp(exponentOf(1 / STEPS / fine), 1, SCORE_BITS_MAX);
      const grow = Math.sqrt(1 / STEPS / 2 ** bits / fine);
      [query, key] = [query * grow, key * grow];

      const value = Math.max(valuePeak(real, n, nq + nk + g * e, e), 1e-9);
      const valueUnit = (VALUE_REACH * value) / OPERAND_MAX;
      const gain = clamp(Math.round((valueUnit / contextReach) * SUM_STEPS), 1, 64);
      for (let c = 0; c < e; c++) {
        const factor = factors[c % half]!;
        const keyUnit = key * factor;
        firstKey[g * e + c] = clamp(Math.round(keys[c]! / keyUnit), -QUERY_MAX, QUERY_MAX);
        const ofValue = Math.round(values[c]! / valueUnit);
        firstValue[g * e + c] = clamp(ofValue, -OPERAND_MAX, OPERAND_MAX);
        units[nq + g * e + c] = keyUnit / QUERY_FINE;
        units[nq + nk + g * e + c] = valueUnit;
        for (const h of queries) {
          units[h * e + c] = query / factor / QUERY_FINE;
          contextUnits[h * e + c] = (valueUnit / gain) * SUM_STEPS;
        }
      }
      for (const h of queries) [scoreBits[h], contextGains[h]] = [bits, gain];
    }
    const constants = { scoreBits, firstKey, firstValue, contextGains };
    return { units, contextUnits, constants };
  }

  /** Units of gate and up from their real values, and what smooths the columns of `down`. */
  #product(real: Float32Array, downPeaks: Float64Array) {
    const { ffn } = this.#size;
    const { exp, log } = this.#arithmetic;
    const rows = real.length / (2 * ffn);
    const part = (from: number) =>
      new Float32Array(rows * ffn).map(
        (_, at) => real[Math.floor(at / ffn) * 2 * ffn + from + (at % ffn)]!,
      );
    const up = part(ffn);
    const inner = this.#arithmetic.gate(part(0), up);
    const peaks = columnQuantiles(inner, ffn, RARE);
    let smooth = peaks.map((p, j) => Math.sqrt(Math.max(p, 1e-6) / Math.max(downPeaks[j]!, 1e-6)));
    const mean = exp(smooth.reduce((sum, s) => sum + log(s), 0) / ffn);
    smooth = smooth.map((s) => clamp(s / mean, 0.05, 40));

    const most = largest(up.map((v, at) => v / smooth[at % ffn]!));
    const upUnit = (UP_ROOM * Math.max(most, 1e-6)) / UP_MAX;
    const units = Float64Array.from({ length: 2 * ffn }, (_, i) =>
      i < ffn ? 1 / STEPS : upUnit * smooth[i - ffn]!,
    );
    // The smallest rows still use both limbs.
    const step = upUnit / STEPS;
    const tops = new Float64Array(rows);
    inner.forEach((v, at) => {
      const row = Math.floor(at / ffn);
      tops[row] = Math.max(tops[row]!, Math.abs(v / smooth[at % ffn]!) / step);
    });
    const low = quantile(tops, 1 - SMALL_ROWS);
    const shift = clamp(exponentOf(Math.max(low, 64) / LIMBS_MAX), 0, 8);
    // Of a row twice as large as all that were seen.
    const rowShiftMax = Math.max(1, exponentOf(largest(tops) / LIMBS_MAX) + 2 - shift);
    return { units, smooth, shift, rowShiftMax, unit: step * 2 ** shift };
  }

  /** `down` on both limbs; rows of larger powers of two count more, as their errors do. */
  #down(
    w: Float32Array,
    [layer, state]: readonly [LayerConstants, State],
    { smooth, unit }: { smooth: Float64Array; unit: number },
  ): Pick<LayerConstants, 'down' | 'changeBits'> {
    const { hidden, ffn } = this.#size;
    const [high, power] = [state['high0']!, state['power0']!];
    const usual = power.toSorted()[power.length >> 1]!;
    const operand = new Float32Array(high.length);
    const whole = new Float32Array(high.length);
    for (let at = 0; at < operand.length; at++) {
      whole[at] = high[at]! + state['a']![at]! / LIMB;
      operand[at] = whole[at]! * Math.min(4, power[Math.floor(at / ffn)]! / usual);
    }
    const rows = byColumn(w, (j) => smooth[j]! * unit, ffn);
    // A step of c is 128 of the product's.
    const units = new Float64Array(hidden).fill(STREAM_UNIT / LIMB);
    const { weight, factors } = this.#linear(rows, operand, units);
    const sums = this.#sums(whole, weight, hidden);
    const reach = reachOf(sums);
    const most = largest(sums.map((v, at) => v * factors[at % hidden]!));
    // Twice what is seen fits, and so do the multipliers.
    const room = changeMax(layer) / 2 / Math.max(most, 1);
    const finest =
      downFactorMax({ weight, factors, reach }, ffn) / largest(factors as Float64Array);
    const changeBits = clamp(exponentOf(Math.min(room, finest)), 0, 8);
    return {
      down: { weight, factors: Float64Array.from(factors, (f) => f * 2 ** changeBits), reach },
      changeBits,
    };
  }

  /** The last linear, into the answer, and the real value of a step of it. */
  #last(state: State, norm: UnitNorm): { last: DecoderConstants['last']; unit: number } {
    const { hidden: d } = this.#size;
    const a = Float32Array.from(state['a']!);
    const { rows, offsets } = this.#afterNorm(this.#model.last!, norm);
    const unit = quantile(this.#real(a, rows, offsets), ANSWER_CUT) / OPERAND_MAX;
    const units = new Float64Array(d).fill(unit);
    // The diagonal would widen each row's steps for all others: whole steps of it are added apart.
    const rest = rows.map((w, at) => (at % (d + 1) === 0 ? 0 : w));
    const linear = this.#linear(rest, a, units, offsets);
    const diagonal = Float64Array.from(linear.factors, (factor, i) => {
      const whole = Math.round(rows[i * (d + 1)]! / (factor * unit));
      return clamp(whole, -DIAGONAL_MAX, DIAGONAL_MAX);
    });
    const sums = this.#sums(a, linear.weight, d).map((c, at) => c + a[at]! * diagonal[at % d]!);
    return { last: { ...linear, diagonal, reach: reachOf(sums) }, unit };
  }
}

const blankLast = ({ hidden }: DecoderSize): ScaledLinear => ({
  weight: new Int8Array(hidden * hidden).fill(1),
  factors: new Float64Array(hidden).fill(2 ** -6),
});

/** Largest magnitude of each column. */
function columnPeaks(x: Float32Array, width: number): Float64Array {
  const peaks = new Float64Array(width);
  x.forEach((v, at) => (peaks[at % width] = Math.max(peaks[at % width]!, Math.abs(v))));
  return peaks;
}

/** Largest magnitude of some columns. */
function valuePeak(x: Float32Array, width: number, from: number, count: number): number {
  let most = 0;
  for (let at = from; at < x.length; at += width)
    for (let j = 0; j < count; j++) most = Math.max(most, Math.abs(x[at + j]!));
  return most;
}

/** By what keys of each pair are divided and queries multiplied: their ranges become equal on the way. */
function pairFactors(keys: Float64Array, queries: Float64Array): Float64Array {
  const relative = (x: Float64Array): Float64Array => {
    const most = Math.max(largest(x), 1e-12);
    return x.map((v) => Math.max(v / most, 1e-3));
  };
  const [k, q] = [relative(keys), relative(queries)];
  const raw = k.map((v, p) => Math.sqrt(v / q[p]!));
  const root = Math.sqrt(raw.reduce((sum, f) => sum + f * f, 0) / raw.length);
  return raw.map((f) => clamp(f / root, 0.05, 20));
}

/** SiLU in 1/64 by steps of 1/64. */
const siluTable = ({ exp }: Arithmetic): Float64Array =>
  Float64Array.from({ length: SILU_ENTRIES }, (_, at) => {
    const x = (at - SILU_FROM) / STEPS;
    return Math.round((STEPS * x) / (1 + exp(-x)));
  });
