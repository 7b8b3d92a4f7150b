/**
 * Packs a model: integers → manifest.json, seg-*.onnx, weights.bin in models/<name>/.
 * Usage: node models/build.ts lingua|tiny|broad      the same input always gives the same bytes
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tokensOf } from '../src/core/pow/seed.ts';
import { plainHash } from '../src/core/hash.ts';
import { manifestProblem, modelId, unitMacs, type Manifest } from '../src/core/manifest.ts';
import { concat, toHex } from '../src/lib/bytes.ts';
import { encodeOnnx, type OnnxGraph } from '../src/miner/package/onnx.ts';
import {
  MANIFEST_FILE,
  WEIGHTS_FILE,
  manifestToJson,
  segmentFile,
} from '../src/miner/package/package.ts';
import { interpretModel } from '../test/oracle/interpret-onnx.ts';
import { broad } from './broad.ts';
import { encoderSegments, VOCABULARY, type IntegerEncoder } from './encoder.ts';
import { tinyEncoder, trainedEncoder } from './integers.ts';
import { OVERHEAD, kappa64Of } from './overhead.ts';

/** Rank of the noise: 16 for narrow linears, near √(1.56·k) for wide ones. */
const rankOf = (k: number): number => (k < 256 ? 16 : 32);
const bytesOf = (x: Int8Array): Uint8Array => new Uint8Array(x.buffer, x.byteOffset, x.length);

interface Made extends Pick<IntegerEncoder, 'name' | 'sequences' | 'tokens' | 'labels'> {
  readonly head: { readonly n: number };
  readonly linears: readonly {
    readonly k: number;
    readonly n: number;
    readonly weight: Int8Array;
  }[];
  readonly graphs: readonly OnnxGraph[];
  readonly kappa64: number;
}

function made(name: 'tiny' | 'lingua'): Made {
  const model = name === 'tiny' ? tinyEncoder() : trainedEncoder(join(import.meta.dirname, name));
  return { ...model, graphs: encoderSegments(model), kappa64: kappa64Of(OVERHEAD[name]) };
}

function manifestOf(model: Made, segments: readonly Uint8Array[]): Manifest {
  const unanswered: Manifest = {
    version: 1,
    name: model.name,
    sequences: model.sequences,
    tokens: model.tokens,
    vocabulary: VOCABULARY,
    packing: 'bytes',
    answerSize: model.head.n,
    labels: [...model.labels],
    segments: segments.map((s) => ({ hash: plainHash(s), size: s.length })),
    linears: model.linears.map((l) => ({
      m: model.sequences * model.tokens,
      k: l.k,
      n: l.n,
      r: rankOf(l.k),
      weights: plainHash(bytesOf(l.weight)),
    })),
    kappa64: model.kappa64,
    knownAnswer: [],
    tokenizer: null,
  };
  const weights = model.linears.map((l) => l.weight);
  const tokens = tokensOf(new Uint8Array(32), unanswered);
  const { a } = interpretModel({ manifest: unanswered, segments, weights }, tokens);
  return { ...unanswered, knownAnswer: a };
}

function build(model: Made): void {
  const { name, graphs } = model;
  const folder = join(import.meta.dirname, name);
  mkdirSync(folder, { recursive: true });
  const segments = graphs.map(encodeOnnx);
  const manifest = manifestOf(model, segments);
  const problem = manifestProblem(manifest);
  if (problem) throw new Error(problem);
  const weights = concat(...model.linears.map((l) => bytesOf(l.weight)));
  for (const [i, bytes] of segments.entries()) writeFileSync(join(folder, segmentFile(i)), bytes);
  writeFileSync(join(folder, WEIGHTS_FILE), weights);
  const text = JSON.stringify(manifestToJson(manifest), undefined, 2);
  writeFileSync(join(folder, MANIFEST_FILE), `${text}\n`);
  const nodes = graphs.reduce((sum, g) => sum + g.nodes.length, 0);
  const size = segments.reduce((sum, s) => sum + s.length, weights.length);
  console.log(`${name}: id ${toHex(modelId(manifest))}`);
  console.log(
    `${segments.length} segments, ${nodes} nodes, ${size} bytes, ${unitMacs(manifest)} MAC`,
  );
}

const name = process.argv[2];
if (name !== 'tiny' && name !== 'lingua' && name !== 'broad')
  throw new Error('usage: models/build.ts lingua|tiny|broad');
build(name === 'broad' ? broad() : made(name));
