/**
 * Models that nobody has packaged, from their shapes: entries per row, fitted to exact graphs of their kind.
 * Requantise 8 a column, softmax 7 a key and head, norm and residual 37 a column, GELU 14 a column with one look-up,
 * SwiGLU 16 a gate and 8 a column with one look-up, RoPE 8 a column.
 */
import type { Costs, Counts } from './trace.ts';
import type { Game, LinearShape } from './game.ts';

/** Sequences in a unit; only ratios count. */
const BATCH = 8;

interface Part {
  readonly arithmetic: number;
  readonly lookUps?: number;
  readonly products?: number;
  readonly reductions?: number;
  /** Entries of arithmetic that a table of the first layer could hold. */
  readonly listed?: number;
}

const counts = (rows: number, p: Part): Counts => ({
  products: rows * (p.products ?? 0),
  arithmetic: rows * p.arithmetic,
  'look-ups': rows * (p.lookUps ?? 0),
  movement: 0,
  reductions: rows * (p.reductions ?? 0),
});

/** Multiple of 16, near √(1.56·k): what a package would take. */
export const rankOf = (k: number): number => {
  const best = Math.sqrt(1.56 * k);
  const fits = [16, 32, 48, 64, 80, 96].filter((r) => k % r === 0 && k >= 8 * r);
  return fits.reduce((x, y) => (Math.abs(y - best) < Math.abs(x - best) ? y : x));
};
const linear = (k: number, n: number): LinearShape => ({ k, n, r: rankOf(k) });

interface Model {
  readonly name: string;
  readonly vocabulary: number;
  readonly tokens: number;
  readonly isCausal: boolean;
  readonly linears: readonly LinearShape[];
  /** Segments 0..L−1. */
  readonly parts: readonly Part[];
  /** Bytes of carries that each segment makes, a row. */
  readonly carries: readonly number[];
}

function gameFrom(model: Model): Game {
  const { name, vocabulary, tokens, isCausal, linears, parts } = model;
  const rows = BATCH * tokens;
  const segments = parts.map((part, i): Costs => {
    const all = counts(rows, part);
    if (i === 0) return { all, listed: all };
    const listed = i === 1 ? (part.listed ?? 0) : 0;
    // Scores of two tokens can be listed too: half of what the first attention multiplies.
    const products = i === 1 ? (part.products ?? 0) / 2 : 0;
    return { all, listed: counts(rows, { arithmetic: listed, products }) };
  });
  return {
    name,
    vocabulary,
    sequences: BATCH,
    tokens,
    isCausal,
    linears,
    seen: [],
    listedRows: linears.map((_, i) => (i ? 0 : 1)),
    segments,
    hashed: linears.map(({ k }, i) => {
      const all = rows * (k + model.carries[i]!);
      return { all, listed: i ? 0 : all };
    }),
  };
}

/** BERT's kind: attention, output, a GELU between two. */
export function encoder(
  name: string,
  { layers, d, ff, heads, tokens, head = [] as readonly number[], vocabulary = 30_522 }: Encoder,
): Game {
  const attention: Part = {
    arithmetic: 8 * 3 * d + 7 * heads * tokens + 17 * d,
    lookUps: heads * tokens,
    products: 2 * tokens * d,
    // A maximum and a sum over the keys of each head.
    reductions: 2 * heads * tokens,
    listed: 8 * 3 * d + 2 * heads * tokens,
  };
  const norm: Part = { arithmetic: 37 * d, reductions: 3 * d };
  const gelu: Part = { arithmetic: 14 * ff, lookUps: ff };
  const linears: LinearShape[] = [];
  const parts: Part[] = [{ arithmetic: 31 * d, lookUps: d, reductions: 3 * d }];
  const carries = [2 * d];
  for (let i = 0; i < layers; i++) {
    linears.push(linear(d, 3 * d), linear(d, d), linear(d, ff), linear(ff, d));
    parts.push(attention, norm, gelu, norm);
    carries.push(0, 2 * d, 0, 2 * d);
  }
  for (const n of head) {
    linears.push(linear(d, n));
    parts.push({ arithmetic: 8 * n });
    carries.push(0);
  }
  return gameFrom({
    name,
    vocabulary,
    tokens,
    isCausal: false,
    linears,
    parts: parts.slice(0, linears.length),
    carries,
  });
}
interface Encoder {
  readonly layers: number;
  readonly d: number;
  readonly ff: number;
  readonly heads: number;
  readonly tokens: number;
  /** Columns of linears after the last layer. */
  readonly head?: readonly number[];
  readonly vocabulary?: number;
}

interface Generator {
  readonly layers: number;
  readonly d: number;
  /** Columns of keys, and of values. */
  readonly kv: number;
  readonly ff: number;
  readonly heads: number;
  readonly tokens: number;
  readonly vocabulary: number;
  /** Whether the words' scores are a linear that earns. */
  readonly hasHead: boolean;
}

/** Llama's kind: RoPE, grouped keys, SwiGLU. */
export function generator(name: string, g: Generator): Game {
  const { layers, d, kv, ff, heads, tokens, vocabulary } = g;
  const attention: Part = {
    arithmetic: 8 * (d + 2 * kv) + 8 * (d + kv) + 7 * heads * tokens + 17 * d,
    lookUps: heads * tokens,
    products: 2 * tokens * d,
    reductions: 2 * heads * tokens,
    listed: 8 * (d + 2 * kv) + 8 * (d + kv) + 2 * heads * tokens,
  };
  const norm: Part = { arithmetic: 30 * d, reductions: 2 * d };
  const gate: Part = { arithmetic: 8 * 2 * ff + 16 * ff, lookUps: ff };
  const linears: LinearShape[] = [];
  const parts: Part[] = [{ arithmetic: 20 * d, lookUps: d, reductions: 2 * d }];
  const carries = [2 * d];
  for (let i = 0; i < layers; i++) {
    linears.push(linear(d, d + 2 * kv), linear(d, d), linear(d, 2 * ff), linear(ff, d));
    parts.push(attention, norm, gate, norm);
    carries.push(0, 2 * d, 0, 2 * d);
  }
  if (g.hasHead) linears.push(linear(d, vocabulary));
  return gameFrom({
    name,
    vocabulary,
    tokens,
    isCausal: true,
    linears,
    parts: parts.slice(0, linears.length),
    carries,
  });
}

const MINILM = { layers: 6, d: 384, ff: 1536, heads: 12 };
const BERT = { layers: 12, d: 768, ff: 3072, heads: 12 };
const SMOL = { layers: 30, d: 576, kv: 192, ff: 1536, heads: 9, vocabulary: 49_152 };
const SMOL_360 = { layers: 32, d: 960, kv: 320, ff: 2560, heads: 15, vocabulary: 49_152 };
const QWEN = { layers: 24, d: 896, kv: 128, ff: 4864, heads: 14, vocabulary: 151_936 };

/** The shapes that the condition of admission was judged by. */
export const SHAPES: readonly Game[] = [
  ...[32, 64, 128].map((tokens) => encoder(`MiniLM S ${tokens}`, { ...MINILM, tokens })),
  ...[32, 64, 128, 512].map((tokens) => encoder(`BERT-base S ${tokens}`, { ...BERT, tokens })),
  encoder('BERT-base and pooler', { ...BERT, tokens: 128, head: [768] }),
  ...[64, 128, 256].map((tokens) =>
    generator(`SmolLM2-135M S ${tokens}`, { ...SMOL, tokens, hasHead: false }),
  ),
  generator('SmolLM2-135M and head', { ...SMOL, tokens: 128, hasHead: true }),
  generator('SmolLM2-360M and head', { ...SMOL_360, tokens: 128, hasHead: true }),
  generator('Qwen2.5-0.5B and head', { ...QWEN, tokens: 128, hasHead: true }),
];
