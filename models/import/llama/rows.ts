/** Token rows that a decoder is calibrated on: one a line, ids between spaces, all of one length. */
import { AppError } from '../../../src/lib/errors.ts';

/** A product's rows come by sixteens. */
const ROW_STEP = 16;
export const ROWS_MAX = 256;
export const ROW_TOKENS_MAX = 2048;

/** @param what the file, for messages @throws AppError MODEL_CORRUPT: no rows of one length, or a token of no model */
export function parseRows(text: string, vocabulary: number, what: string): Uint32Array[] {
  const wrong = (problem: string): AppError => new AppError('MODEL_CORRUPT', `${what}: ${problem}`);
  const lines = text.split('\n').filter(Boolean);
  if (!lines.length || lines.length > ROWS_MAX)
    throw wrong(`${lines.length} rows, not 1 to ${ROWS_MAX}`);
  return lines.map((line, at) => {
    const ids = line.split(' ').map(Number);
    const odd = ids.find((id) => !Number.isInteger(id) || id < 1 || id >= vocabulary);
    if (odd !== undefined)
      throw wrong(`row ${at + 1} has ${odd}, not a token of 1 to ${vocabulary - 1}`);
    const { length } = ids;
    if (length !== lines[0]!.split(' ').length || length % ROW_STEP || length > ROW_TOKENS_MAX)
      throw wrong(
        `row ${at + 1} has ${length} tokens: all have as many, a multiple of ${ROW_STEP}`,
      );
    return Uint32Array.from(ids);
  });
}
