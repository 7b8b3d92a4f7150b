/**
 * A Llama-class decoder in float32 on the importer's own arithmetic: what an exact package is measured against, what
 * writes calibration text, and where calibration sees its numbers. A row's bits depend on its sequence alone, not on
 * the others, on how many rows run at once, or on whether what came before was kept.
 */
import { assert } from '../../../src/lib/errors.ts';
import type { Arithmetic, Memory, Placed } from './kernel/arithmetic.ts';
import { ropeAngles, type Llama, type LlamaConfig, type Rows } from './read/llama.ts';

/** One layer's numbers; matrices have a row per output. Gains that are folded into the weights are absent. */
export interface FloatLayer {
  readonly attentionGain?: Float32Array;
  /** Rows of q, then k, then v: (heads + 2·keyHeads)·headWidth × hidden. */
  readonly qkv: Float32Array;
  readonly qkvBias?: Float32Array;
  /** Of each head before it turns. */
  readonly headGain?: { readonly q: Float32Array; readonly k: Float32Array };
  /** hidden × heads·headWidth */
  readonly o: Float32Array;
  readonly ffnGain?: Float32Array;
  /** Rows of gate, then up: 2·ffn × hidden. */
  readonly gateUp: Float32Array;
  /** hidden × ffn */
  readonly down: Float32Array;
}

/** Where a decoder's numbers come from; each is read when it is needed. */
export interface FloatModel {
  readonly config: LlamaConfig;
  /** vocabulary × hidden */
  readonly embedding: Rows;
  layer(index: number): FloatLayer;
  readonly gain?: Float32Array;
  /** hidden × hidden, after the last norm. */
  readonly last?: Float32Array;
  /** vocabulary × hidden */
  readonly head: Rows;
}

/** What flows through: rows of all sequences, one after the other. */
export type Tap = (
  name: 'stream' | 'attention' | 'q' | 'k' | 'v' | 'context' | 'ffn' | 'gate' | 'up' | 'inner',
  layer: number,
  x: Float32Array,
) => void;

function joined(...parts: Float32Array[]): Float32Array<ArrayBuffer> {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** The decoder as it was read. */
export function floatModel({ config, weights }: Llama): FloatModel {
  return {
    config,
    embedding: weights.embedding,
    layer(index) {
      const { bias, headNorm, ...l } = weights.layers[index]!;
      return {
        attentionGain: l.attentionNorm.read(),
        qkv: joined(l.q.read(), l.k.read(), l.v.read()),
        qkvBias: bias && joined(bias.q.read(), bias.k.read(), bias.v.read()),
        headGain: headNorm && { q: headNorm.q.read(), k: headNorm.k.read() },
        o: l.o.read(),
        ffnGain: l.ffnNorm.read(),
        gateUp: joined(l.gate.read(), l.up.read()),
        down: l.down.read(),
      };
    },
    gain: weights.norm.read(),
    head: weights.head,
  };
}

/** Keys (turned) and values of one sequence so far, of each layer and key head. */
export class Past {
  length = 0;
  readonly #layers: Memory[][] = [];

  copy(): Past {
    const copy = new Past();
    copy.length = this.length;
    this.#layers.forEach((heads, layer) => copy.keep(layer, heads));
    return copy;
  }

  memories(layer: number): readonly Memory[] {
    return this.#layers[layer] ?? [];
  }

  keep(layer: number, heads: readonly Memory[]): void {
    this.#layers[layer] = [...heads];
  }
}

export interface Sequence {
  readonly ids: Uint32Array;
  /** What came before, which is not changed unless `keep`. */
  readonly past?: Past;
  /** Whether this call's keys and values are added to `past`. */
  readonly keep?: boolean;
}

/** A layer whose products are in the kernel's memory. */
type PlacedLayer = Omit<FloatLayer, 'qkv' | 'o' | 'gateUp' | 'down'> &
  Record<'qkv' | 'o' | 'gateUp' | 'down', Placed>;

interface Heard {
  readonly sequences: readonly Sequence[];
  readonly hear: (name: Parameters<Tap>[0], values: Float32Array) => void;
}

/** Columns `from`.. < `to` of rows of `width`. */
export function columns(
  x: Float32Array,
  width: number,
  from: number,
  to: number,
): Float32Array<ArrayBuffer> {
  const rows = x.length / width;
  const out = new Float32Array(rows * (to - from));
  for (let i = 0; i < rows; i++)
    out.set(x.subarray(i * width + from, i * width + to), i * (to - from));
  return out;
}

const add = (x: Float32Array, y: Float32Array): Float32Array => x.map((v, i) => v + y[i]!);

/** Rows × keyHeads·columns as one array of rows × columns for each key head. */
const byHead = (x: Float32Array, heads: number, rows: number): Float32Array[] => {
  const width = x.length / rows;
  const one = width / heads;
  return Array.from({ length: heads }, (_, h) => columns(x, width, h * one, (h + 1) * one));
};

export class FloatDecoder {
  readonly #arithmetic: Arithmetic;
  readonly model: FloatModel;
  readonly #angles: Float64Array;
  readonly #placed: PlacedLayer[] = [];
  #head: Placed | undefined;

  constructor(arithmetic: Arithmetic, model: FloatModel) {
    this.#arithmetic = arithmetic;
    this.model = model;
    this.#angles = ropeAngles(model.config, arithmetic.pow);
  }

  /** Takes all weights into the kernel's memory, for many calls of few rows. @throws AppError DEVICE_MEMORY */
  place(): void {
    for (let layer = 0; layer < this.model.config.layers; layer++)
      this.#placed.push(this.#placedLayer(layer));
    this.#head = this.#arithmetic.place(this.model.head.read(), this.model.config.hidden);
  }

  #placedLayer(index: number): PlacedLayer {
    const { hidden, heads, headWidth, ffn } = this.model.config;
    const layer = this.model.layer(index);
    return {
      ...layer,
      qkv: this.#arithmetic.place(layer.qkv, hidden),
      o: this.#arithmetic.place(layer.o, heads * headWidth),
      gateUp: this.#arithmetic.place(layer.gateUp, hidden),
      down: this.#arithmetic.place(layer.down, ffn),
    };
  }

  embed(sequences: readonly Sequence[]): Float32Array<ArrayBuffer> {
    const { embedding } = this.model;
    const ids = sequences.flatMap((s) => [...s.ids]);
    const out = new Float32Array(ids.length * embedding.columns);
    ids.forEach((id, i) => out.set(embedding.read(id, id + 1), i * embedding.columns));
    return out;
  }

  /** The rows of all sequences that the head reads: rows × hidden. */
  forward(sequences: readonly Sequence[], tap?: Tap): Float32Array<ArrayBuffer> {
    const { layers, hidden, epsilon } = this.model.config;
    let x: Float32Array = this.embed(sequences);
    for (let layer = 0; layer < layers; layer++) x = this.layer(layer, x, sequences, tap);
    tap?.('stream', layers, x);
    for (const { ids, past, keep } of sequences) if (past && keep) past.length += ids.length;
    const { gain, last } = this.model;
    const normed = this.#arithmetic.norm(x, hidden, epsilon, gain);
    return last ? this.#arithmetic.multiply(normed, last, hidden) : normed;
  }

  /** The stream after one layer. Lengths of what is kept grow only in `forward`. */
  layer(
    index: number,
    x: Float32Array,
    sequences: readonly Sequence[],
    tap?: Tap,
  ): Float32Array<ArrayBuffer> {
    const a = this.#arithmetic;
    const { hidden, epsilon, ffn } = this.model.config;
    const mark = a.mark();
    const l = this.#placed[index] ?? this.#placedLayer(index);
    const hear = (name: Parameters<Tap>[0], values: Float32Array) => tap?.(name, index, values);

    hear('stream', x);
    const input = a.norm(x, hidden, epsilon, l.attentionGain);
    hear('attention', input);
    const context = this.#attention(index, l, input, { sequences, hear });
    hear('context', context);
    const middle = add(x, a.product(context, l.o));

    const inner = a.norm(middle, hidden, epsilon, l.ffnGain);
    hear('ffn', inner);
    const both = a.product(inner, l.gateUp);
    const [gate, up] = [columns(both, 2 * ffn, 0, ffn), columns(both, 2 * ffn, ffn, 2 * ffn)];
    hear('gate', gate);
    hear('up', up);
    const gated = a.gate(gate, up);
    hear('inner', gated);
    const out = add(middle, a.product(gated, l.down)) as Float32Array<ArrayBuffer>;
    a.release(mark);
    return out;
  }

  #attention(
    index: number,
    l: PlacedLayer,
    input: Float32Array,
    { sequences, hear }: Heard,
  ): Float32Array<ArrayBuffer> {
    const a = this.#arithmetic;
    const { heads, keyHeads, headWidth, epsilon } = this.model.config;
    const [nq, nk] = [heads * headWidth, keyHeads * headWidth];
    const n = nq + 2 * nk;
    const qkv = a.product(input, l.qkv);
    if (l.qkvBias) for (let i = 0; i < qkv.length; i++) qkv[i]! += l.qkvBias[i % n]!;
    let [q, k] = [columns(qkv, n, 0, nq), columns(qkv, n, nq, nq + nk)];
    const v = columns(qkv, n, nq + nk, n);
    if (l.headGain) {
      q = a.norm(q, headWidth, epsilon, l.headGain.q);
      k = a.norm(k, headWidth, epsilon, l.headGain.k);
    }
    const table = this.#positions(sequences);
    a.turn(q, heads, headWidth, table);
    a.turn(k, keyHeads, headWidth, table);
    hear('q', q);
    hear('k', k);
    hear('v', v);

    const out = new Float32Array(q.length);
    let row = 0;
    for (const { ids, past, keep } of sequences) {
      const m = ids.length;
      const of = (x: Float32Array, width: number) =>
        byHead(x.subarray(row * width, (row + m) * width), keyHeads, m);
      const [queries, keys, values] = [of(q, nq), of(k, nk), of(v, nk)];
      const before = past?.memories(index) ?? [];
      const memories = keys.map((key, h) => ({
        keys: before[h] ? joined(before[h].keys, key) : key,
        values: before[h] ? joined(before[h].values, values[h]!) : values[h]!,
        width: headWidth,
      }));
      if (keep) past?.keep(index, memories);
      const group = nq / keyHeads;
      memories.forEach((memory, h) => {
        const context = a.attend(queries[h]!, memory, heads / keyHeads);
        for (let i = 0; i < m; i++)
          out.set(context.subarray(i * group, (i + 1) * group), (row + i) * nq + h * group);
      });
      row += m;
    }
    return out;
  }

  /** Cosines, then sines, of each row's position. */
  #positions(sequences: readonly Sequence[]): Float64Array {
    const { cos, sin } = this.#arithmetic;
    const half = this.#angles.length;
    const rows = sequences.reduce((sum, { ids }) => sum + ids.length, 0);
    const table = new Float64Array(2 * half * rows);
    let at = 0;
    for (const { ids, past } of sequences)
      for (let i = 0; i < ids.length; i++) {
        const angles = this.#angles.map((angle) => angle * ((past?.length ?? 0) + i));
        table.set(angles.map(cos), at);
        table.set(angles.map(sin), at + half);
        at += 2 * half;
      }
    return table;
  }

  /** Logits of rows that `forward` gave: rows × vocabulary. */
  logits(x: Float32Array): Float32Array<ArrayBuffer> {
    const { hidden } = this.model.config;
    assert(x.length % hidden === 0, `${x.length} values are no rows of ${hidden}`);
    if (this.#head) return this.#arithmetic.product(x, this.#head);
    return this.#arithmetic.multiply(x, this.model.head.read(), hidden);
  }
}
