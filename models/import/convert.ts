/** The whole import of one folder: calibrate, build, check, run, measure. */
import { modelId } from '../../src/core/manifest.ts';
import { createTokeniser } from '../../src/client/models/tokeniser.ts';
import { AppError } from '../../src/lib/errors.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { admissionOf, checkModel, type Admission } from '../../src/miner/checker/checker.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import { selfTest } from '../../src/miner/engine/self-test.ts';
import { requireShapes } from '../agree.ts';
import { finishedManifest } from '../finish.ts';
import { calibrate } from './calibrate.ts';
import type { UnitShape } from './exact-bert.ts';
import type { Source } from './folder.ts';
import { draftPackage, requireSizes, timePackage, type Labelling, type Timing } from './pack.ts';
import { measureQuality, type Quality } from './quality.ts';

/** More rows make calibration slower and hardly better. */
const CALIBRATION_TOKENS_MAX = 8192;
/** Below it the tails of languages and odd texts were hardly seen. */
export const CALIBRATION_TOKENS_WANTED = 2000;
/** Every fifth text is kept out of calibration. */
const HELD_EVERY = 5;
/** Keys that the exact forms of attention have room for. */
const TOKENS_MAX = 256;

export interface ImportOptions extends Labelling {
  /** The first is mined; others are answered in. */
  readonly shapes: readonly [UnitShape, ...UnitShape[]];
  /** Every fifth is kept out of calibration, to measure on. */
  readonly texts: readonly string[];
  /** Most sentences to measure on. */
  readonly measureMax: number;
  /** Timed passes. */
  readonly rounds: number;
  readonly log: (line: string) => void;
}

export interface Imported {
  readonly model: ModelPackage;
  readonly tokenizer: Uint8Array;
  readonly timing: Timing;
  /** Whether it may be mined: the early stop that pays best, or what forbids it. */
  readonly admission: Admission;
  readonly quality: Quality;
  readonly calibrated: { readonly texts: number; readonly tokens: number };
}

const isHeld = (place: number): boolean => place % HELD_EVERY === HELD_EVERY - 1;

/** @throws AppError MODEL_REFUSED, MODEL_CORRUPT */
export async function importModel(
  { bert, tokenizer }: Source,
  { shapes, texts, measureMax, rounds, log, ...labelling }: ImportOptions,
): Promise<Imported> {
  const longest = Math.max(...shapes.map(({ tokens }) => tokens));
  const most = Math.min(TOKENS_MAX, bert.positions);
  if (longest > most)
    throw new AppError('MODEL_REFUSED', `${longest} tokens a sequence are over ${most}`);
  requireSizes(labelling, { bert, tokenizer }, shapes);
  const tokeniser = await createTokeniser(tokenizer);
  const encoded = texts.map((text) => tokeniser.encode(text, longest));
  if (encoded.some((ids) => ids.some((id) => id >= bert.vocabulary)))
    throw new AppError('MODEL_CORRUPT', 'the tokeniser has more words than the model');
  const seen = encoded.filter((_, i) => !isHeld(i));
  let rows = 0;
  const sample = seen.filter((ids) => (rows += ids.length) <= CALIBRATION_TOKENS_MAX);
  const tokens = sample.reduce((sum, ids) => sum + ids.length, 0);
  log(`calibrating on ${sample.length} texts, ${tokens} tokens`);
  const calibration = await calibrate(bert, sample, (done) =>
    log(`linear ${done} of ${4 * bert.layers}`),
  );
  const draft = draftPackage(labelling, { bert, calibration, tokenizer }, shapes);
  log('checking, and answering every step');
  const manifest = finishedManifest(draft);
  const model = { ...draft, manifest, id: modelId(manifest) };
  const refusal = checkModel(model);
  if (refusal) throw new AppError('MODEL_REFUSED', refusal.sentence);
  const backend = await createCpuBackend(model);
  await selfTest(backend, model);
  if (shapes.length > 1) log(await requireShapes(model, backend));
  await backend.close();
  log('timing');
  const timing = await timePackage(model, rounds);
  log('measuring');
  const held = texts.filter((_, i) => isHeld(i)).slice(0, measureMax);
  const cut = held.map((text) => tokeniser.encode(text, shapes[0].tokens));
  const quality = await measureQuality(bert, model, draft.measured, cut);
  return {
    model,
    tokenizer,
    timing,
    admission: admissionOf(model),
    quality,
    calibrated: { texts: sample.length, tokens },
  };
}
