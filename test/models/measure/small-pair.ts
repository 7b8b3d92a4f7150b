/** A decoder of random weights and the package made of it: nearly the same, and small. */
import { decoderSource } from '../../../models/decoder/decoder.ts';
import { boundedManifest, draftOf } from '../../../models/finish.ts';
import { calibrated } from '../../../models/import/llama/calibrate.ts';
import { floatModel } from '../../../models/import/llama/float.ts';
import { foldedModel } from '../../../models/import/llama/fold.ts';
import { createArithmetic } from '../../../models/import/llama/kernel/arithmetic.ts';
import type { Llama } from '../../../models/import/llama/read/llama.ts';
import { modelId } from '../../../src/core/manifest.ts';
import type { ModelPackage } from '../../../src/miner/engine/backend.ts';
import { generatedGeneration } from '../decoder.ts';
import { SMALL, tinyLlama, tinySequences } from '../llama/tiny-llama.ts';

export interface SmallPair {
  readonly llama: Llama;
  readonly model: ModelPackage;
  /** Bytes of generation.json. */
  readonly generation: Uint8Array;
}

export const CONTEXT = 64;

export async function smallPair(): Promise<SmallPair> {
  const llama = tinyLlama(SMALL);
  const arithmetic = await createArithmetic();
  const { constants, logitUnit } = await calibrated({
    arithmetic,
    model: foldedModel(arithmetic, floatModel(llama)),
    first: 1,
    sequences: tinySequences('calibration', 12, CONTEXT),
  });
  const { size } = constants;
  const generation = generatedGeneration(
    { ...size, sequences: 1, tokens: CONTEXT },
    { perNat: Math.round(1 / logitUnit), stops: [2] },
  );
  const shapes = [16, CONTEXT].map((tokens) => ({ sequences: 1, tokens }));
  const draft = draftOf(
    decoderSource(constants, { name: 'small', licence: '', attribution: '', shapes, generation }),
  );
  const manifest = boundedManifest(draft);
  return { llama, model: { ...draft, manifest, id: modelId(manifest) }, generation };
}
