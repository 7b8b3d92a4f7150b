/**
 * Encoders of real shapes with generated weights, both as an exact package and as the float ONNX file
 * that an exporter would write: what bench sets side by side.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { modelId } from '../src/core/manifest.ts';
import type { ModelPackage } from '../src/miner/engine/backend.ts';
import { boundedManifest } from '../models/finish.ts';
import { writePackage } from '../models/write-package.ts';
import { bertFrom, type BertConfig } from '../models/import/bert.ts';
import { calibrate } from '../models/import/calibrate.ts';
import { weights } from '../models/import/generate.ts';
import { draftPackage } from '../models/import/pack.ts';
import type { Tensors } from '../models/import/safetensors.ts';
import { exportBert } from '../test/oracle/bert-onnx.ts';
import { readModel } from '../test/oracle/models.ts';

export interface Shape {
  readonly name: string;
  readonly hidden: number;
  readonly ffn: number;
  readonly heads: number;
  readonly layers: number;
  readonly vocabulary: number;
}

/** One layer stands for all: a layer's time does not depend on how many there are. Two are whole encoders. */
export const SHAPES: Readonly<Record<string, Shape>> = {
  lingua: { name: 'lingua', hidden: 128, ffn: 512, heads: 4, layers: 3, vocabulary: 257 },
  384: { name: '384/1536', hidden: 384, ffn: 1536, heads: 12, layers: 1, vocabulary: 1024 },
  768: { name: '768/3072', hidden: 768, ffn: 3072, heads: 12, layers: 1, vocabulary: 1024 },
  1024: { name: '1024/4096', hidden: 1024, ffn: 4096, heads: 16, layers: 1, vocabulary: 1024 },
  minilm: { name: 'MiniLM', hidden: 384, ffn: 1536, heads: 12, layers: 6, vocabulary: 1024 },
  bert: { name: 'BERT-base', hidden: 768, ffn: 3072, heads: 12, layers: 12, vocabulary: 1024 },
};

export interface Batch {
  readonly sequences: number;
  readonly tokens: number;
}

export interface Encoder extends Batch {
  readonly shape: Shape;
  readonly model: ModelPackage;
  /** ONNX of the float encoder: input_ids, attention_mask, token_type_ids → last_hidden_state. */
  readonly float: Uint8Array;
}

/** Rows m of a unit as sequences of lingua's 128 tokens, or of 64 for a small unit of the others. */
const unitOf = (shape: Shape, m: number): Batch => {
  const tokens = shape === SHAPES.lingua || m > 512 ? 128 : 64;
  return { sequences: m / tokens, tokens };
};

/** Token ids to calibrate on: the times do not depend on what they are. */
const sample = (vocabulary: number): Uint32Array[] =>
  Array.from({ length: 4 }, (_, i) =>
    Uint32Array.from({ length: 32 }, (_, j) => 1 + ((i * 977 + j * 131) % (vocabulary - 1))),
  );

/** @param more further batches that the package runs, beside the unit of m rows */
export async function createEncoder(
  shape: Shape,
  m: number,
  more: readonly Batch[] = [],
): Promise<Encoder> {
  const unit = unitOf(shape, m);
  const map = weights(shape);
  const tensors: Tensors = {
    names: [...map.keys()],
    check: () => undefined,
    read: (name) => map.get(name)!.values,
  };
  const rest = { positions: 512, types: 2, epsilon: 1e-12, pooling: 'mean' } as const;
  const config: BertConfig = { ...shape, ...rest };
  const float = exportBert(config, tensors);
  if (shape === SHAPES.lingua) return { shape, ...unit, model: await readModel('lingua'), float };
  const bert = bertFrom(config, tensors);
  const calibration = await calibrate(bert, sample(shape.vocabulary));
  const source = { bert, calibration, tokenizer: new Uint8Array(1) };
  const draft = draftPackage({ name: 'bench', licence: '', attribution: '' }, source, [
    unit,
    ...more,
  ]);
  const manifest = boundedManifest(draft);
  return { shape, ...unit, model: { ...draft, manifest, id: modelId(manifest) }, float };
}

/** The files below models/, from where the test's Chromium loads them; gives the folder's name there. */
export function writeEncoder({ shape, model, float }: Encoder): string {
  const name = `import/.cache/bench/${shape.name.replace('/', '-')}`;
  const folder = join(import.meta.dirname, '../models', name);
  writePackage(folder, model);
  writeFileSync(join(folder, 'float.onnx'), float);
  return name;
}
