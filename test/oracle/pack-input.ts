/** A question's bytes as the B·S token ids of one pass, padded with 0. */
import { inputTokens, unitRows, type Manifest } from '../../src/core/manifest.ts';
import { assert } from '../../src/lib/errors.ts';

/** Of an input that fits the model. */
export function packInput(input: Uint8Array, m: Manifest): Uint32Array {
  const ids = inputTokens(input, m);
  assert(ids, 'the input fits the model');
  const tokens = new Uint32Array(unitRows(m));
  tokens.set(ids);
  return tokens;
}
