/**
 * Accuracy of the exact package, segments in ONNX Runtime WASM: on the held-out messages and on
 * sentences.json. The products run as float32 MatMul, which is exact below 2^24.
 * Usage: node models/lingua/measure.ts [every nth held-out message, default 1] [folder]
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as ort from 'onnxruntime-web';
import type { Linear } from '../../src/core/manifest.ts';
import { encodeOnnx } from '../../src/miner/onnx.ts';
import { loadPackage } from '../../src/miner/package.ts';

type Row = [label: string, text: string];
const here = import.meta.dirname;
const every = Number(process.argv[2] ?? 1);
const folder = process.argv[3] ?? here;
ort.env.wasm.numThreads = 1;
const model = await loadPackage(async (f) => Uint8Array.from(await readFile(join(folder, f))));
const { sequences, tokens, linears, labels } = model.manifest;

function productGraph(l: Linear, weights: Int8Array): Uint8Array {
  const data = new Float32Array(l.k * l.n);
  for (let i = 0; i < l.k; i++)
    for (let j = 0; j < l.n; j++) data[i * l.n + j] = weights[j * l.k + i]!;
  const value = (name: string, n: number) => ({ name, type: 'float32' as const, dims: [l.m, n] });
  return encodeOnnx({
    nodes: [{ name: 'p', op: 'MatMul', inputs: ['a', 'b'], outputs: ['c'], attributes: {} }],
    constants: [{ name: 'b', type: 'float32', dims: [l.k, l.n], data }],
    inputs: [value('a', l.k)],
    outputs: [value('c', l.n)],
  });
}
const open = (bytes: Uint8Array): Promise<ort.InferenceSession> =>
  ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
const segments: ort.InferenceSession[] = [];
const products: ort.InferenceSession[] = [];
for (const s of model.segments) segments.push(await open(s));
for (const [i, l] of linears.entries())
  products.push(await open(productGraph(l, model.weights[i]!)));

/** Answers of one unit: B rows of logits. */
async function pass(unit: Int32Array): Promise<number[][]> {
  const known: Record<string, ort.Tensor> = {
    tokens: new ort.Tensor('int32', unit, [sequences, tokens]),
  };
  for (const [i, segment] of segments.entries()) {
    const feeds = Object.fromEntries(segment.inputNames.map((n) => [n, known[n]!]));
    Object.assign(known, await segment.run(feeds));
    const product = products[i];
    if (product) known[`c${i + 1}`] = (await product.run({ a: known[`a${i + 1}`]! })).c!;
  }
  const answer = Array.from(known.answer!.data as Float32Array);
  return Array.from({ length: sequences }, (_, b) =>
    answer.slice(b * labels.length, (b + 1) * labels.length),
  );
}

/** The label of the largest logit, the first of equals. */
const labelOf = (row: readonly number[]): string => labels[row.indexOf(Math.max(...row))]!;

async function accuracy(
  rows: readonly Row[],
): Promise<{ right: number; wrong: Map<string, number> }> {
  const wrong = new Map<string, number>();
  let right = 0;
  for (let i = 0; i < rows.length; i += sequences) {
    const part = rows.slice(i, i + sequences);
    const unit = new Int32Array(sequences * tokens);
    for (const [b, [, text]] of part.entries())
      unit.set(
        [...new TextEncoder().encode(text)].slice(0, tokens).map((x) => x + 1),
        b * tokens,
      );
    const answers = await pass(unit);
    for (const [b, [label]] of part.entries()) {
      const found = labelOf(answers[b]!);
      if (found === label) right++;
      else wrong.set(`${label}→${found}`, (wrong.get(`${label}→${found}`) ?? 0) + 1);
    }
  }
  return { right, wrong };
}

const data = JSON.parse(readFileSync(join(here, '.cache/data.json'), 'utf8')) as { held: Row[] };
const spoken = JSON.parse(readFileSync(join(here, 'sentences.json'), 'utf8')) as Record<
  string,
  string[]
>;
const sets: Record<string, Row[]> = {
  'held out': data.held.filter((_, i) => i % every === 0),
  sentences: Object.entries(spoken).flatMap(([label, texts]) => texts.map((t): Row => [label, t])),
};
for (const [name, rows] of Object.entries(sets)) {
  const { right, wrong } = await accuracy(rows);
  const worst = [...wrong].sort((a, b) => b[1] - a[1]).slice(0, 8);
  console.log(
    `${name}: ${right} of ${rows.length} (${((100 * right) / rows.length).toFixed(2)} %)`,
  );
  console.log(`  ${worst.map(([k, n]) => `${k} ${n}`).join(', ')}`);
}
process.exit(0);
