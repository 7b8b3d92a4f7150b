/**
 * Packs a model: integers → manifest.json, seg-*.onnx, table-*.bin, weights.bin in models/<name>/.
 * Usage: node models/build.ts lingua|tiny      the same input always gives the same bytes
 */
import { join } from 'node:path';
import { modelId, unitMacs } from '../src/core/manifest.ts';
import { toHex } from '../src/lib/bytes.ts';
import { encoderSegments, encoderTable, VOCABULARY } from './encoder.ts';
import { draftOf, finishedManifest, type Source } from './finish.ts';
import { writePackage } from './write-package.ts';
import { tinyEncoder, trainedEncoder } from './integers.ts';

/** Rank of the noise: 16 for narrow linears, near √(1.56·k) for wide ones. */
const rankOf = (k: number): number => (k < 256 ? 16 : 32);

const AUTHORS = 'The Pila authors.';
const ATTRIBUTION = {
  tiny: AUTHORS,
  lingua:
    `${AUTHORS} Trained on TypeScript's localized diagnostics (Microsoft, Apache-2.0), texts of Chromium's screens ` +
    '(The Chromium Authors, BSD-3-Clause), locale data (Unicode CLDR, Unicode-3.0) and sentences of its own (MIT).',
} as const;

function sourceOf(name: keyof typeof ATTRIBUTION): Source {
  const model = name === 'tiny' ? tinyEncoder() : trainedEncoder(join(import.meta.dirname, name));
  return {
    name,
    kind: 'classifier',
    vocabulary: VOCABULARY,
    packing: 'bytes',
    answerSize: model.head.n,
    labels: [...model.labels],
    sequences: model.sequences,
    tokens: model.tokens,
    linears: model.linears.map(({ k, n, weight }) => ({ k, n, r: rankOf(k), weight })),
    tables: [encoderTable(model)],
    graphs: encoderSegments(model),
    licence: 'MIT',
    attribution: ATTRIBUTION[name],
  };
}

const name = process.argv[2];
if (name !== 'tiny' && name !== 'lingua') throw new Error('usage: models/build.ts lingua|tiny');
const source = sourceOf(name);
const draft = draftOf(source);
const model = { ...draft, manifest: finishedManifest(draft) };
const size = writePackage(join(import.meta.dirname, name), model);
const nodes = source.graphs.reduce((sum, g) => sum + g.nodes.length, 0);
console.log(`${name}: id ${toHex(modelId(model.manifest))}`);
console.log(
  `${model.segments.length} segments, ${nodes} nodes, ${size} bytes, ${unitMacs(model.manifest)} MAC`,
);
