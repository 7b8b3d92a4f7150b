/** A decoder of seeded numbers, and its forward pass as plain loops in float64. */
import {
  weightsOf,
  type Llama,
  type LlamaConfig,
} from '../../../models/import/llama/read/llama.ts';
import { dimsOf, ropeAngles, type Rows } from '../../../models/import/llama/read/llama.ts';
import { randomBytes } from '../../oracle/random.ts';
import { randomFloats } from './random.ts';

export const TINY: LlamaConfig = {
  layers: 2,
  hidden: 24,
  heads: 6,
  keyHeads: 2,
  headWidth: 8,
  ffn: 40,
  vocabulary: 60,
  epsilon: 1e-5,
  rope: { theta: 100, scaling: { type: 'none' } },
  qkNorm: false,
  qkvBias: false,
  tied: true,
  bos: 1,
  stops: [2],
  context: 64,
};

/** Large enough for the segments of a package. */
export const SMALL: LlamaConfig = {
  ...TINY,
  hidden: 128,
  heads: 4,
  headWidth: 32,
  ffn: 192,
  vocabulary: 300,
};

/** Seeded tokens, none of them 0. */
export const tinySequences = (seed: string, count: number, tokens: number): Uint32Array[] =>
  Array.from({ length: count }, (_, s) =>
    Uint32Array.from(
      new Uint16Array(randomBytes(`${seed} ${s}`, 2 * tokens).buffer),
      (v) => 1 + (v % (SMALL.vocabulary - 1)),
    ),
  );

export const rowsOf = (values: Float32Array, columns: number): Rows => ({
  rows: values.length / columns,
  columns,
  read: (from = 0, to = values.length / columns) => values.slice(from * columns, to * columns),
});

/** Sizes that keep a stream near ±1, and gains around 1. */
export function tinyLlama(config: LlamaConfig = TINY): Llama {
  const dims = dimsOf(config);
  const weights = weightsOf(config, (role, layer = 0) => {
    const [rows, columns] = dims[role].length === 2 ? dims[role] : [1, ...dims[role]];
    const isGain = role.toLowerCase().endsWith('norm');
    const most = isGain ? 0.5 : role === 'embedding' ? 0.5 : 1.7 / Math.sqrt(columns!);
    const values = randomFloats(`${role} ${layer}`, rows! * columns!, most);
    return rowsOf(isGain ? values.map((v) => 1 + v) : values, columns!);
  });
  return { config, weights, tokenizer: new Uint8Array(), template: undefined };
}

type Vector = number[];
const product = (w: Rows, x: Vector): Vector => {
  const values = w.read();
  return Array.from({ length: w.rows }, (_, i) =>
    x.reduce((sum, v, j) => sum + v * values[i * w.columns + j]!, 0),
  );
};
const plus = (a: Vector, b: Vector): Vector => a.map((v, i) => v + b[i]!);
const norm = (x: Vector, gain: Rows, epsilon: number): Vector => {
  const root = Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length + epsilon);
  return x.map((v, i) => (v / root) * gain.read()[i]!);
};

/** The rows of a sequence before the head. */
export function naiveForward({ config, weights }: Llama, ids: readonly number[]): Vector[] {
  const { heads, keyHeads, headWidth: e, epsilon } = config;
  const angles = ropeAngles(config, Math.pow);
  const turn = (x: Vector, place: number): Vector =>
    x.map((v, i) => {
      const angle = angles[i % (e / 2)]! * place;
      const other = i < e / 2 ? -x[i + e / 2]! : x[i - e / 2]!;
      return v * Math.cos(angle) + other * Math.sin(angle);
    });
  const headsOf = (x: Vector, count: number): Vector[] =>
    Array.from({ length: count }, (_, h) => x.slice(h * e, (h + 1) * e));

  let stream = ids.map((id) => [...weights.embedding.read(id, id + 1)]);
  for (const l of weights.layers) {
    const part = (x: Vector, name: 'q' | 'k' | 'v'): Vector => {
      const y = product(l[name], x);
      return l.bias ? plus(y, [...l.bias[name].read()]) : y;
    };
    const made = stream.map((row, place) => {
      const x = norm(row, l.attentionNorm, epsilon);
      const turned = (name: 'q' | 'k', count: number): Vector[] =>
        headsOf(part(x, name), count).map((h) =>
          turn(l.headNorm ? norm(h, l.headNorm[name], epsilon) : h, place),
        );
      return {
        q: turned('q', heads),
        k: turned('k', keyHeads),
        v: headsOf(part(x, 'v'), keyHeads),
      };
    });
    stream = stream.map((row, i) => {
      const context = made[i]!.q.flatMap((q, h) => {
        const group = Math.floor((h * keyHeads) / heads);
        const seen = made.slice(0, i + 1);
        const weight = seen.map(({ k }) =>
          Math.exp(q.reduce((sum, v, c) => sum + v * k[group]![c]!, 0) / Math.sqrt(e)),
        );
        const all = weight.reduce((a, b) => a + b);
        return q.map((_, c) =>
          seen.reduce((sum, { v }, t) => sum + (weight[t]! / all) * v[group]![c]!, 0),
        );
      });
      const middle = plus(row, product(l.o, context));
      const x = norm(middle, l.ffnNorm, epsilon);
      const up = product(l.up, x);
      const inner = product(l.gate, x).map((g, j) => (g / (1 + Math.exp(-g))) * up[j]!);
      return plus(middle, product(l.down, inner));
    });
  }
  return stream.map((row) => norm(row, weights.norm, epsilon));
}
