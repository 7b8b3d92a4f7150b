/** A generated BERT of two layers, imported in several shapes: for tests of what several shapes of a package share. */
import { modelId } from '../../src/core/manifest.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { finishedManifest } from '../../models/finish.ts';
import { bertConfig, bertFrom } from '../../models/import/bert.ts';
import { calibrate } from '../../models/import/calibrate.ts';
import type { UnitShape } from '../../models/import/exact-bert.ts';
import { generate, SIZES } from '../../models/import/generate.ts';
import { draftPackage } from '../../models/import/pack.ts';
import { parseSafetensors } from '../../models/import/safetensors.ts';
import { readModel } from '../oracle/models.ts';

export type Pooling = 'mean' | 'cls';
/** The first is mined. Shorter and longer ones, two of one length, and lengths that are no multiples of 16. */
export const MINI_SHAPES = [
  { sequences: 4, tokens: 32 },
  { sequences: 8, tokens: 8 },
  { sequences: 2, tokens: 40 },
  { sequences: 1, tokens: 16 },
  { sequences: 4, tokens: 20 },
] as const;
const TEXTS = 12;

/** Token ids of sentences of many lengths: [CLS] words [SEP]. */
function sentences(count: number, longest: number, vocabulary: number): Uint32Array[] {
  const word = (i: number, j: number): number =>
    104 + ((i * 7919 + j * 104_729) % (vocabulary - 104));
  return Array.from({ length: count }, (_, i) =>
    Uint32Array.from({ length: 3 + ((i * 5) % (longest - 2)) }, (_, j) => word(i, j)),
  );
}

/** tokenizer.json of every such model. */
export const miniTokenizer = (): Uint8Array => generate(SIZES.mini!).get('tokenizer.json')!;

/** @param shapes the first is mined */
export async function miniModel(
  shapes: readonly [UnitShape, ...UnitShape[]] = MINI_SHAPES,
  pooling: Pooling = 'mean',
): Promise<ModelPackage> {
  const size = { ...SIZES.mini!, pooling };
  const files = generate(size);
  const json = (name: string) => JSON.parse(new TextDecoder().decode(files.get(name))) as never;
  const config = bertConfig(json('config.json'), json('1_Pooling/config.json'));
  const bert = bertFrom(config, parseSafetensors(files.get('model.safetensors')!));
  const longest = Math.max(...shapes.map(({ tokens }) => tokens));
  const calibration = await calibrate(bert, sentences(TEXTS, longest, size.vocabulary));
  const labelling = { name: 'mini', licence: '', attribution: '' };
  const tokenizer = files.get('tokenizer.json')!;
  const draft = draftPackage(labelling, { bert, calibration, tokenizer }, shapes);
  const manifest = finishedManifest(draft);
  return { ...draft, manifest, id: modelId(manifest) };
}

/** A package of models/, or this one by the name `mini`. */
export const modelOrMini = (name: string): Promise<ModelPackage> =>
  name === 'mini' ? miniModel() : readModel(name);
