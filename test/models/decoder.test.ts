/** Generated decoders are exact, alive (no operand is all zeros or all at its limits) and causal. */
import { describe, expect, it } from 'vitest';
import { decoderSource } from '../../models/decoder/decoder.ts';
import type {
  DecoderConstants,
  LayerConstants,
  ScaledLinear,
} from '../../models/decoder/description.ts';
import { SILU_ENTRIES } from '../../models/decoder/segments.ts';
import { boundedManifest, draftOf } from '../../models/finish.ts';
import { checkModel } from '../../src/miner/checker/checker.ts';
import { interpret, type Tensor } from '../../src/miner/interpreter.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { parseOnnx, type OnnxGraph } from '../../src/miner/package/onnx.ts';
import { multiplyNaively } from '../oracle/interpret-onnx.ts';
import {
  DECODER_LAYER,
  DECODER_SMALL,
  decoderPackage,
  generatedConstants,
  wholeNumbers,
} from './decoder.ts';

/** Operands and the answer of a plain pass in one of its shapes. */
function passOf(model: ModelPackage, tokens: Int32Array, place = 0): Int8Array[] {
  const { linears, tables, shapes } = model.manifest;
  const { sequences, tokens: length } = shapes[place]!;
  const known = new Map<string, Tensor>([
    ['tokens', { dims: [sequences, length], data: tokens }],
    ...tables.map(({ width, wide }, i) => {
      const kind = wide === 1 ? Int8Array : Int16Array;
      const rows = new kind(model.tables[i]!.slice().buffer);
      const read = [...tokens].flatMap((t) => [...rows.subarray(t * width, (t + 1) * width)]);
      return [`e${i}`, { dims: [tokens.length, width], data: Float32Array.from(read) }] as const;
    }),
  ]);
  const segments = [model.segments, ...(model.otherShapes ?? [])][place]!;
  return segments.map((bytes, i) => {
    const g = parseOnnx(bytes) as OnnxGraph;
    const made = interpret(g, new Map(g.inputs.map((v) => [v.name, known.get(v.name)!])));
    for (const v of g.outputs) known.set(v.name, made.get(v.name)!);
    const linear = linears[i];
    const out = Int8Array.from(known.get(linear ? `a${i + 1}` : 'answer')!.data);
    if (linear) {
      const c = multiplyNaively(out, model.weights[i]!, tokens.length, linear.k);
      known.set(`c${i + 1}`, { dims: [tokens.length, linear.n], data: Float32Array.from(c) });
    }
    return out;
  });
}

const share = (x: Int8Array, f: (v: number) => boolean): number => x.filter(f).length / x.length;

describe('generated decoders', () => {
  it('are admitted by the checker', () => {
    expect(checkModel(decoderPackage(DECODER_LAYER))).toBeUndefined();
    expect(checkModel(decoderPackage({ ...DECODER_SMALL, layers: 2 }))).toBeUndefined();
    const odd = { ...DECODER_SMALL, tokens: 24, heads: 3, keyHeads: 1, head: 64, hidden: 192 };
    expect(checkModel(decoderPackage(odd, false))).toBeUndefined();
  });

  it('take at most 2 MB in two shapes', () => {
    const otherShapes = [{ sequences: 1, tokens: 64 }];
    const { segments, tables, weights, ...more } = decoderPackage({
      ...DECODER_SMALL,
      otherShapes,
    });
    const files = [...segments, ...more.otherShapes!.flat(), ...tables, ...weights];
    expect(files.reduce((sum, file) => sum + file.length, 0)).toBeLessThan(2 * 2 ** 20);
  });

  it('are proven up to 2,048 tokens whatever their constants are, at the size of SmolLM2', () => {
    const constants = generatedConstants(DECODER_LAYER);
    const full = (linear: ScaledLinear): ScaledLinear => ({
      ...linear,
      weight: linear.weight.map((x) => (x < 0 ? -63 : 63)),
    });
    const [layer] = constants.layers;
    const most: LayerConstants = {
      ...layer!,
      qkv: full(layer!.qkv),
      out: full(layer!.out),
      gateUp: full(layer!.gateUp),
      down: full(layer!.down),
      attentionNorm: { ...layer!.attentionNorm, gain: 800 },
      ffnNorm: { ...layer!.ffnNorm, gain: 1 },
      scoreBits: [1, 2, 3, 4, 5, 6, 7, 8, 8],
      firstKey: layer!.firstKey.map(() => 255),
      firstValue: layer!.firstValue.map(() => -127),
      contextGains: new Array<number>(9).fill(64),
      silu: Array.from({ length: SILU_ENTRIES }, (_, i) => i),
    };
    const shapes = [256, 512, 1024, 2048].map((tokens) => ({ sequences: 1, tokens }));
    const packaging = { name: 'most', licence: '', attribution: '', shapes };
    for (const [productShift, changeBits] of [
      [0, 8],
      [8, 0],
    ] as const) {
      const extreme: DecoderConstants = {
        ...constants,
        rows: constants.rows.map((x) => (x < 0 ? -127 : 127)),
        multipliers: constants.multipliers.map(() => 32_767),
        embedShift: 0,
        layers: [{ ...most, productShift, changeBits }],
        last: full(constants.last),
      };
      expect(() => boundedManifest(draftOf(decoderSource(extreme, packaging)))).not.toThrow();
    }
  });

  it('are alive, and no row sees a later token', () => {
    const model = decoderPackage({ ...DECODER_SMALL, layers: 2 }, true);
    expect(checkModel(model)).toBeUndefined();
    const { vocabulary, sequences, tokens: S } = DECODER_SMALL;
    const tokens = wholeNumbers(sequences * S, vocabulary - 1, 3).map(Math.abs);
    const pass = passOf(model, tokens);
    for (const [i, x] of pass.entries()) {
      expect(
        share(x, (v) => v === 0),
        `zeros of ${i}`,
      ).toBeLessThan(0.6);
      expect(
        share(x, (v) => Math.abs(v) >= 127),
        `limits of ${i}`,
      ).toBeLessThan(0.3);
      expect(new Set(x).size, `numbers of ${i}`).toBeGreaterThan(20);
    }
    const changed = tokens.slice();
    const place = S - 4;
    changed[place] = (changed[place]! + 1) % vocabulary;
    const other = passOf(model, changed);
    for (const [i, x] of pass.entries()) {
      const k = x.length / sequences / S;
      const row = (x: Int8Array, at: number): Int8Array => x.subarray(at * k, (at + 1) * k);
      for (let at = 0; at < sequences * S; at++)
        if (at < place || at >= S) expect(row(other[i]!, at)).toEqual(row(pass[i]!, at));
      if (i) expect(row(other[i]!, S - 1), `operand ${i + 1}`).not.toEqual(row(pass[i]!, S - 1));
    }
  });

  it('give a text the same bits in every shape, at any place, whatever the others are', () => {
    const shapes = [
      { sequences: 1, tokens: 64 },
      { sequences: 2, tokens: 24 },
    ];
    const size = { ...DECODER_SMALL, layers: 2, blockKeys: 16, otherShapes: shapes };
    const model = decoderPackage(size);
    const text = wholeNumbers(20, 299, 5).map(Math.abs);
    const blank = (length: number): number[] => new Array<number>(length - text.length).fill(0);
    const other = [...wholeNumbers(32, 299, 6).map(Math.abs)];
    const inputs = [
      [...text, ...blank(32), ...other],
      [...text, ...blank(64)],
      [...other.slice(0, 24), ...text, ...blank(24)],
    ];
    const [short, long, second] = inputs.map((ids, i) => passOf(model, Int32Array.from(ids), i));
    for (const [i, x] of short!.entries()) {
      const k = x.length / 64;
      const own = x.subarray(0, 20 * k);
      expect(long![i]!.subarray(0, 20 * k), `operand ${i + 1} of 64`).toEqual(own);
      expect(second![i]!.subarray(24 * k, 44 * k), `operand ${i + 1} of 24`).toEqual(own);
    }
  });
});
