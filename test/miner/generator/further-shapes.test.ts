/**
 * A language model's further shapes are proven when they are first used: one that is refused ends what needs it with
 * the checker's sentence, and nothing of it is ever run.
 */
import { describe, expect, it } from 'vitest';
import { KIND, modelId } from '../../../src/core/manifest.ts';
import { plainHash } from '../../../src/core/hash.ts';
import { equal } from '../../../src/lib/bytes.ts';
import {
  analyseModel,
  analyseToRun,
  checkModel,
  isRefusal,
  type Analysis,
} from '../../../src/miner/checker/checker.ts';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import type { ModelPackage } from '../../../src/miner/engine/backend.ts';
import type { GenerateJob } from '../../../src/miner/engine/miner-api.ts';
import { Miner } from '../../../src/miner/engine/miner.ts';
import { encodeOptions, optionsOf } from '../../../src/miner/generator/options.ts';
import { readGeneration } from '../../../src/miner/generator/generation.ts';
import { encodeOnnx, parseOnnx, type OnnxGraph } from '../../../src/miner/package/onnx.ts';
import { DECODER_SMALL, decoderPackage, generatedGeneration } from '../../models/decoder.ts';

const [SHORT, CONTEXT] = [16, 48];
const SIZE = {
  ...DECODER_SMALL,
  tokens: SHORT,
  blockKeys: 16,
  otherShapes: [{ sequences: 2, tokens: CONTEXT }],
};
const generation = generatedGeneration(SIZE, { stops: [0] });
const honest: ModelPackage = { ...decoderPackage(SIZE, true, generation), generation };

function graphOf(bytes: Uint8Array): OnnxGraph {
  const graph = parseOnnx(bytes);
  if (typeof graph === 'string') throw new Error(graph);
  return graph;
}

/** The package with another segment of its second shape, which its manifest and id name. */
function withSecond(index: number, change: (graph: OnnxGraph) => OnnxGraph): ModelPackage {
  const bytes = encodeOnnx(change(graphOf(honest.otherShapes![0]![index]!)));
  const [first, second] = honest.manifest.shapes;
  const ref = { hash: plainHash(bytes), size: bytes.length };
  const shapes = [first!, { ...second!, segments: second!.segments.with(index, ref) }];
  const manifest = { ...honest.manifest, shapes };
  const otherShapes = [honest.otherShapes![0]!.with(index, bytes)];
  return { ...honest, manifest, id: modelId(manifest), otherShapes };
}

/** The numbers of a constant are others. */
const withNumbers = (graph: OnnxGraph, name: RegExp, of: (x: number) => number): OnnxGraph => ({
  ...graph,
  constants: graph.constants.map((c) =>
    name.test(c.name) ? { ...c, data: Float32Array.from(c.data as Float32Array, of) } : c,
  ),
});

/** Each with the rule that its second shape breaks. */
const REFUSED = {
  // Keys' places are all the first: rows see what comes later.
  causal: withSecond(1, (graph) => ({
    ...graph,
    nodes: graph.nodes.map((node) => (node.op === 'Greater' ? { ...node, op: 'Less' } : node)),
  })),
  magnitude: withSecond(1, (graph) => withNumbers(graph, /gains$/, (x) => x + 0.3)),
  file: withSecond(1, (graph) => ({ ...graph, nodes: graph.nodes.toReversed() })),
};

/** What is proven of a package that is not refused at once. */
function analysed(model: ModelPackage): Analysis {
  const found = analyseToRun(model);
  if (isRefusal(found)) throw new Error(found.sentence);
  return found;
}

describe.each(Object.entries(REFUSED))('whose second shape is refused by %s', (rule, model) => {
  const refusal = checkModel(model)!;
  const refused = { code: 'MODEL_REFUSED', message: refusal.sentence };

  it('is refused whole by who proves all shapes', () => {
    expect(refusal).toMatchObject({ rule });
    expect(refusal.node).toContain('seg-1-1');
  });

  it('has a first shape, and none in the place of the second, however often it is read', () => {
    const { shapes } = analysed(model);
    const whole = analyseModel(honest) as Analysis;
    expect(shapes).toHaveLength(2);
    expect(shapes[0]).toEqual(whole.shapes[0]);
    for (let i = 0; i < 2; i++) expect(() => shapes[1]).toThrow(expect.objectContaining(refused));
  });

  it('runs nothing of it: no pass, no step of a judge, on ONNX Runtime neither', async () => {
    const tokens = new Uint32Array(2 * CONTEXT).fill(9);
    const plain = { shape: 1, tokens, sigma0: undefined, limits: [] };
    for (const runtimeOnly of [false, true]) {
      const cpu = await createCpuBackend(model, { analysis: analysed(model), runtimeOnly });
      await expect(cpu.pass(plain)).rejects.toMatchObject(refused);
      await expect(cpu.step({ number: 1, tokens }, 1)).rejects.toMatchObject(refused);
      // Code that was wrong falls back to what proves nothing by itself.
      expect(await cpu.fallBack!()).toBe(!runtimeOnly);
      await expect(cpu.pass(plain)).rejects.toMatchObject(refused);
      const short = { ...plain, shape: 0, tokens: tokens.subarray(0, 2 * SHORT) };
      expect((await cpu.pass(short)).answer.some(Boolean)).toBe(true);
      await cpu.close();
    }
  });
});

function minerOf(model: ModelPackage): Miner {
  return new Miner({
    modelNamed: (name) => (name === model.manifest.name ? model : undefined),
    modelOf: (id) => (equal(id, model.id) ? model : undefined),
    createCpu: (given, analysis) => createCpuBackend(given, { analysis }),
    createWebgpu: undefined,
    nowMs: () => performance.now(),
    randomNonce: () => 1n,
    onStatus: () => undefined,
    onBlock: () => undefined,
  });
}

const { defaults } = readGeneration(honest.manifest, generation);
const jobOf = (model: ModelPackage, maxTokens: number): GenerateJob => ({
  model: model.id,
  input: Uint32Array.of(11, 40, 69),
  options: encodeOptions(optionsOf(defaults, { temperature: 300, maxTokens })),
  rank: 'own',
});

/** Tokens as they come, and the failure after which none came. */
async function read(miner: Miner, job: GenerateJob, id: number) {
  const tokens: number[] = [];
  try {
    for (let next = await miner.generate(id, job); ; next = await miner.nextToken(id)) {
      tokens.push(next.token);
      if (next.finish) return { tokens, failed: undefined };
    }
  } catch (failed) {
    return { tokens, failed };
  }
}

describe('a miner that has such a package', () => {
  const model = REFUSED.causal;
  const refused = { code: 'MODEL_REFUSED', message: checkModel(model)!.sentence };

  it('answers what is short, rightly, and says of what is long why it ends', async () => {
    const [miner, other] = [minerOf(model), minerOf(honest)];
    const right = await read(other, jobOf(honest, 30), 1);
    expect(right.tokens).toHaveLength(30);
    for (const id of [1, 2]) {
      const long = await read(miner, jobOf(model, 30), id);
      expect(long.failed).toMatchObject(refused);
      // Token t follows from the rows of the 3 + t before it, which the first shape holds.
      expect(long.tokens).toEqual(right.tokens.slice(0, SHORT - 3 + 1));
    }
    const short = await read(miner, jobOf(model, 5), 3);
    expect(short).toEqual({ tokens: right.tokens.slice(0, 5), failed: undefined });
  });

  it('calls no claim in that shape right or wrong', async () => {
    const miner = minerOf(model);
    const { rank: _, ...said } = jobOf(model, 30);
    const answer = Uint32Array.from({ length: 30 }, (_, i) => 5 + i);
    await expect(miner.verifyAnswer({ ...said, answer })).rejects.toMatchObject(refused);
  });
});

describe('the proof of each shape by itself', () => {
  it('says what the proof of all says', () => {
    const { shapes } = analysed(honest);
    expect([...shapes]).toEqual((analyseModel(honest) as Analysis).shapes);
  });

  it('is for what is never mined alone: another model is proven whole before it runs', () => {
    const kind = KIND.encoder;
    const asMined = (model: ModelPackage) => ({
      ...model,
      manifest: { ...model.manifest, kind, template: null },
    });
    const found = analyseToRun(asMined(REFUSED.magnitude));
    expect(found).toEqual(checkModel(asMined(REFUSED.magnitude)));
    expect(found).toMatchObject({ node: expect.stringContaining('seg-1-1') as string });
  });

  it('refuses what all shapes have in common at once', () => {
    const bad = { ...honest, weights: honest.weights.with(1, new Int8Array(3)) };
    expect(analyseToRun(bad)).toEqual(checkModel(bad));
  });
});
