/**
 * Steps of a decoder of SmolLM2's shape, with weights of no meaning: the time of a step and the part of it that is no
 * product of a linear, beside the products alone and reading all weights once. Processor time, medians.
 *
 *   node bench/executor/steps.ts [--layers 30] [--depth 128] [--rounds 20]
 */
import { parseArgs } from 'node:util';
import { analyseModel, isRefusal } from '../../src/miner/checker/checker.ts';
import { createKernel } from '../../src/miner/cpu/kernel/kernel.ts';
import { createSteps } from '../../src/miner/generator/steps.ts';
import { SerialQueue } from '../../src/lib/queue.ts';
import { DECODER_LAYER, decoderPackage } from '../../test/models/decoder.ts';
import { cpuMs, median } from '../measure.ts';
import { createReader } from './decode.ts';

const { values } = parseArgs({
  options: {
    layers: { type: 'string', default: '30' },
    depth: { type: 'string', default: '128' },
    rounds: { type: 'string', default: '20' },
  },
});
const [layers, depth, rounds] = [values.layers, values.depth, values.rounds].map(Number) as [
  number,
  number,
  number,
];
/** Tokens of a step while texts are read, and sequences of one that is measured. */
const [TOGETHER, SEQUENCES] = [16, [1, 4]];

const model = decoderPackage({ ...DECODER_LAYER, layers, sequences: 1, tokens: 256 });
const analysis = analyseModel(model);
if (isRefusal(analysis)) throw new Error(analysis.sentence);
const { manifest } = model;
const kernel = await createKernel(manifest.linears.map((l) => ({ ...l, m: 256 })));
const seen = new Map<Int8Array, ReturnType<typeof kernel.placeWeights>>();
const weights = manifest.linears.map((l, i) => {
  const placed = seen.get(model.weights[i]!) ?? kernel.placeWeights(l, model.weights[i]!);
  seen.set(model.weights[i]!, placed);
  return placed;
});
const before = kernel.memoryBytes;
const parts = {
  manifest,
  tables: model.tables,
  kernel,
  weights,
  shapes: analysis.shapes,
  yieldToLoop: () => Promise.resolve(),
  passes: new SerialQueue(4),
};
const engine = await createSteps(parts, { together: TOGETHER, conversations: SEQUENCES.at(-1)! });
const conversations = Array.from({ length: SEQUENCES.at(-1)! }, () => engine.open());
const tokenAt = (at: number): number => 1 + ((at * 37) % (manifest.vocabulary - 1));
let readMs = 0;
for (const conversation of conversations) {
  const started = cpuMs();
  for (let at = 0; at < depth; at += TOGETHER) {
    const length = Math.min(TOGETHER, depth - at);
    await engine.step(Array.from({ length }, (_, i) => ({ conversation, token: tokenAt(at + i) })));
  }
  readMs = cpuMs() - started;
}
const bytes = manifest.linears.reduce((sum, { k, n }) => sum + k * n, 0);
const read = await createReader(bytes);
console.log(
  `${layers} layers, ${(bytes / 1e6).toFixed(1)} MB of weights a step, depth ${depth}; ` +
    `steps take ${((kernel.memoryBytes - before) / 1e6).toFixed(1)} MB with ${conversations.length} conversations; ` +
    `${depth} tokens of a text, ${TOGETHER} at once: ${(readMs / depth).toFixed(2)} ms a token`,
);
for (const m of SEQUENCES) {
  const found: { ms: number; products: number; reading: number }[] = [];
  for (let i = -4; i < rounds; i++) {
    let started = cpuMs();
    read();
    const reading = cpuMs() - started;
    started = cpuMs();
    for (const [at, l] of manifest.linears.entries())
      await kernel.multiply({ ...l, m }, weights[at]!, () => undefined);
    const products = cpuMs() - started;
    started = cpuMs();
    await engine.step(
      conversations.slice(0, m).map((conversation) => ({ conversation, token: tokenAt(i + 9) })),
    );
    const ms = cpuMs() - started;
    for (const conversation of conversations.slice(0, m)) engine.truncate(conversation, depth);
    if (i >= 0) found.push({ ms, products, reading });
  }
  const of = (f: (x: (typeof found)[number]) => number): string => median(found.map(f)).toFixed(2);
  console.log(
    `m = ${m}: step ${of((x) => x.ms)} ms, products ${of((x) => x.products)}, ` +
      `outside them ${of((x) => (100 * (x.ms - x.products)) / x.ms)} %; ` +
      `reading the weights ${of((x) => x.reading)} ms, step ÷ reading ${of((x) => x.ms / x.reading)}`,
  );
}
