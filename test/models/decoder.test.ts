/** Generated decoders are exact, alive (no operand is all zeros or all at its limits) and causal. */
import { describe, expect, it } from 'vitest';
import { checkModel } from '../../src/miner/checker/checker.ts';
import { interpret, type Tensor } from '../../src/miner/interpreter.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { parseOnnx, type OnnxGraph } from '../../src/miner/package/onnx.ts';
import { multiplyNaively } from '../oracle/interpret-onnx.ts';
import { DECODER_LAYER, DECODER_SMALL, decoderPackage, wholeNumbers } from './decoder.ts';

/** Operands and the answer of a plain pass. */
function passOf(model: ModelPackage, tokens: Int32Array): Int8Array[] {
  const { linears, tables, shapes } = model.manifest;
  const { sequences, tokens: length } = shapes[0]!;
  const { width } = tables[0]!;
  const rows = new Int16Array(model.tables[0]!.slice().buffer);
  const embedded = [...tokens].flatMap((t) => [...rows.subarray(t * width, (t + 1) * width)]);
  const known = new Map<string, Tensor>([
    ['tokens', { dims: [sequences, length], data: tokens }],
    ['e0', { dims: [tokens.length, width], data: Float32Array.from(embedded) }],
  ]);
  return model.segments.map((bytes, i) => {
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
        share(x, (v) => Math.abs(v) >= 63),
        `limits of ${i}`,
      ).toBeLessThan(0.3);
      expect(new Set(x).size, `numbers of ${i}`).toBeGreaterThan(20);
    }
    const changed = tokens.slice();
    const place = S - 4;
    changed[place] = (changed[place]! + 1) % vocabulary;
    const other = passOf(model, changed);
    for (const [i, { k }] of model.manifest.linears.entries()) {
      const row = (x: Int8Array, at: number): Int8Array => x.subarray(at * k, (at + 1) * k);
      for (let at = 0; at < sequences * S; at++)
        if (at < place || at >= S) expect(row(other[i]!, at)).toEqual(row(pass[i]!, at));
      if (i) expect(row(other[i]!, S - 1), `operand ${i + 1}`).not.toEqual(row(pass[i]!, S - 1));
    }
  });
});
