/** Which decoders have an exact form: told field by field before anything is read or computed. */
import { LINEAR_BYTES_MAX, LINEARS_MAX } from '../../../src/core/manifest.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { streamRotation } from './rotation.ts';
import type { LlamaConfig } from './read/llama.ts';

/** Squares of a row of the stream sum up below 2^24 (models/decoder). */
const HIDDEN = [128, 1024] as const;
const HEAD_MAX = 64;
const FFN_MIN = 128;
/** A product's columns come by 64s. */
const STEP = 64;
const LINEARS_PER_LAYER = 5;

const isStep = (n: number): boolean => n % STEP === 0;

/** @throws AppError MODEL_REFUSED with the field */
export function requireForm(config: LlamaConfig): void {
  const { layers, hidden, heads, keyHeads, headWidth, ffn, bos, stops } = config;
  const demand = (isRight: boolean, field: string, what: string): void => {
    if (!isRight) throw new AppError('MODEL_REFUSED', `${field} ${what}`);
  };
  demand(!config.qkNorm, 'q_norm, k_norm', 'have no exact form yet');
  demand(config.tied, 'lm_head, output.weight', 'of its own has no exact form yet');
  demand(bos !== undefined, 'bos_token_id', 'is missing: there is no token to put before a text');
  demand(stops.length > 0, 'eos_token_id', 'is missing: no token ends an answer');
  const layersMax = Math.floor((LINEARS_MAX - 1) / LINEARS_PER_LAYER);
  demand(layers <= layersMax, 'layers', `${layers}, over ${layersMax}`);
  const [least, most] = HIDDEN;
  const fits = hidden >= least && hidden <= most && isStep(hidden);
  demand(fits, 'hidden', `${hidden}, not ${least} to ${most} by ${STEP}`);
  streamRotation(hidden);
  demand(headWidth <= HEAD_MAX, 'head width', `${headWidth}, over ${HEAD_MAX}`);
  const columns = heads * headWidth;
  demand(isStep(columns), 'heads', `${heads} of ${headWidth} columns are no multiple of ${STEP}`);
  demand(ffn >= FFN_MIN && isStep(ffn), 'ffn', `${ffn}, not from ${FFN_MIN} by ${STEP}`);
  const weights = hidden * Math.max(2 * ffn, columns + 2 * keyHeads * headWidth);
  demand(
    weights <= LINEAR_BYTES_MAX,
    'ffn',
    `a linear of ${weights} weights, over ${LINEAR_BYTES_MAX}`,
  );
}
