/**
 * Decoders of the Llama class (models/decoder) of any size and with constants of no meaning: what the executor, the
 * step engine, the fuzz and the bench try of language models.
 */
import { decoderSource } from '../../models/decoder/decoder.ts';
import type {
  DecoderConstants,
  DecoderShape,
  DecoderSize,
  LayerConstants,
  Norm,
  ScaledLinear,
} from '../../models/decoder/description.ts';
import { SILU_ENTRIES, SILU_FROM } from '../../models/decoder/segments.ts';
import { boundedManifest, draftOf, finishedManifest } from '../../models/finish.ts';
import { plainHash } from '../../src/core/hash.ts';
import { modelId } from '../../src/core/manifest.ts';
import { utf8 } from '../../src/lib/bytes.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { GENERATION_VERSION, type Generation } from '../../src/miner/generator/generation.ts';

export interface GeneratedSize extends DecoderSize, DecoderShape {
  /** After the first, which is `sequences` × `tokens`. */
  readonly otherShapes?: readonly DecoderShape[];
  readonly blockKeys?: number;
}
export const DECODER_SMALL: GeneratedSize = {
  sequences: 2,
  tokens: 32,
  layers: 1,
  hidden: 128,
  heads: 4,
  keyHeads: 2,
  head: 32,
  ffn: 192,
  vocabulary: 300,
};
/** A layer of SmolLM2-135M. */
export const DECODER_LAYER: GeneratedSize = {
  sequences: 2,
  tokens: 128,
  layers: 1,
  hidden: 576,
  heads: 9,
  keyHeads: 3,
  head: 64,
  ffn: 1536,
  vocabulary: 512,
};

const WEIGHT_MAX = 63;
/** Root mean square of products per root of k: weights of 36, operands of 40. */
const USUAL = 1450;

/** Whole numbers −reach..reach: the same of one seed on every machine. */
export function wholeNumbers(count: number, reach: number, seed: number): Int32Array {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  return Int32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 8) % (2 * reach + 1)) - reach;
  });
}

/** Constants of no meaning that keep a pass alive: no operand is all zeros or all at its limits. */
export function generatedConstants(s: GeneratedSize): DecoderConstants {
  const { layers, hidden, heads, keyHeads, head, ffn, vocabulary, blockKeys } = s;
  /** Columns of about `to`, in groups. */
  const linear = (
    k: number,
    groups: readonly { n: number; to: number }[],
    seed: number,
  ): ScaledLinear => {
    const sizes = groups.flatMap(({ n, to }) => new Array<number>(n).fill(to));
    const spread = (j: number): number => 0.8 + (0.4 * ((j * 37) % 64)) / 64;
    const moves = wholeNumbers(sizes.length, 8, seed);
    return {
      weight: Int8Array.from(wholeNumbers(k * sizes.length, WEIGHT_MAX, seed)),
      factors: sizes.map((to, j) => (to / USUAL / Math.sqrt(k)) * spread(j)),
      offsets: sizes.map((to, j) => Math.round((to * moves[j]!) / 64)),
    };
  };
  const norm = (seed: number): Norm => ({
    gain: Math.round(5 * Math.sqrt(hidden)),
    means: wholeNumbers(hidden, 3, seed),
  });
  const silu = Array.from({ length: SILU_ENTRIES }, (_, at) => {
    const x = (at - SILU_FROM) / 64;
    return Math.round((64 * x) / (1 + Math.exp(-x)));
  });
  const [queries, keys] = [heads * head, keyHeads * head];
  const layer = (i: number): LayerConstants => ({
    attentionNorm: norm(8 * i),
    qkv: linear(
      hidden,
      [
        { n: queries + keys, to: 600 },
        { n: keys, to: 40 },
      ],
      8 * i,
    ),
    scoreBits: Array.from({ length: heads }, (_, h) => 6 + (h % 3)),
    firstKey: Int16Array.from(wholeNumbers(keys, 255, 8 * i + 1)),
    firstValue: Int8Array.from(wholeNumbers(keys, 127, 8 * i + 2)),
    contextGains: Array.from({ length: heads }, (_, h) => 24 + (h % 8)),
    out: linear(queries, [{ n: hidden, to: 1200 }], 8 * i + 3),
    ffnNorm: norm(8 * i + 4),
    gateUp: linear(
      hidden,
      [
        { n: ffn, to: 100 },
        { n: ffn, to: 600 },
      ],
      8 * i + 5,
    ),
    silu,
    productShift: 1,
    down: { ...linear(ffn, [{ n: hidden, to: 1200 }], 8 * i + 6), offsets: [] },
    changeBits: 2,
  });
  return {
    size: { layers, hidden, heads, keyHeads, head, ffn, vocabulary },
    rows: Int8Array.from(wholeNumbers(vocabulary * hidden, WEIGHT_MAX, 9)),
    multipliers: Int16Array.from(wholeNumbers(vocabulary, 2000, 10), (x) => 6000 + x),
    embedShift: 6,
    frequencies: Array.from({ length: head / 2 }, (_, pair) => 10_000 ** ((-2 * pair) / head)),
    layers: Array.from({ length: layers }, (_, i) => layer(i)),
    lastNorm: norm(11),
    last: {
      ...linear(hidden, [{ n: hidden, to: 40 }], 12),
      diagonal: wholeNumbers(hidden, 300, 13),
    },
    ...(blockKeys ? { blockKeys } : {}),
  };
}

/**
 * generation.json of a generated decoder: logits of a few nats, and two stops that come about now and then.
 * `change`: fields that are otherwise.
 */
export function generatedGeneration(
  s: GeneratedSize,
  change: Partial<Omit<Generation, 'version'>> = {},
): Uint8Array {
  const generation: Generation = {
    version: GENERATION_VERSION,
    prefix: [1],
    stops: [2, 7],
    perNat: 50_000_000,
    head: { rows: 0, multipliers: 1, column: 0 },
    template: '{% for message in messages %}{{ message.content }}{% endfor %}',
    defaults: { temperature: 179, topK: 0, topP: 58_982, penalty: 282, maxTokens: 64 },
    context: Math.max(s.tokens, ...(s.otherShapes ?? []).map(({ tokens }) => tokens)),
    ...change,
  };
  return utf8(JSON.stringify(generation));
}

/**
 * A package that the checker admits. Its rows draw no attention: weights are random.
 * @param isKnown computes the known answers with the naive interpreter: seconds for small sizes, minutes for others
 */
export function decoderPackage(
  s: GeneratedSize,
  isKnown = false,
  generation = generatedGeneration(s),
): ModelPackage {
  const { sequences, tokens, otherShapes = [] } = s;
  const draft = draftOf(
    decoderSource(generatedConstants(s), {
      name: 'decoder',
      licence: '',
      attribution: '',
      generation,
      shapes: [{ sequences, tokens }, ...otherShapes],
    }),
  );
  const manifest = isKnown ? finishedManifest(draft) : boundedManifest(draft);
  return { ...draft, manifest, id: modelId(manifest) };
}

/** The same, but that a linear has weights of its own: one of them is nearer to 0. */
export function withOwnWeights(model: ModelPackage, place: number): ModelPackage {
  const own = model.weights[place]!.slice();
  own[own.findIndex((w) => w > 1)]! -= 1;
  const linear = { ...model.manifest.linears[place]!, weights: plainHash(new Uint8Array(own)) };
  const manifest = { ...model.manifest, linears: model.manifest.linears.with(place, linear) };
  return { ...model, manifest, weights: model.weights.with(place, own), id: modelId(manifest) };
}
