/**
 * JSON of a checkpoint. Refused is what two readers could understand in two ways, and what would cost memory
 * before it is found wrong.
 */
import { AppError } from '../../../src/lib/errors.ts';
import { textFromBytes } from '../../../src/lib/text-file.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Objects and lists in each other. Real files have a dozen. */
const DEPTH_MAX = 64;
/** A string, with the colon that makes it a name, or an edge of an object or a list. */
const TOKENS = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[{}[\]]/gs;

/** What is wrong with a JSON text beside its grammar: a name twice in one object, of which JSON.parse takes the last. */
function problemOf(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (const [token, string, colon] of text.matchAll(TOKENS))
    if (token === '{' || token === '[') {
      open.push(new Set());
      if (open.length > DEPTH_MAX) return `it is nested over ${DEPTH_MAX} deep`;
    } else if (token === '}' || token === ']') open.pop();
    else if (string !== undefined && colon !== undefined) {
      const name = JSON.parse(string) as string;
      if (open.at(-1)?.has(name)) return `'${name.slice(0, 80)}' is there twice`;
      open.at(-1)?.add(name);
    }
  return undefined;
}

/** A value for a message: whatever it is, and not without end. */
export const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 160);

/** @param what the file, for the message @throws AppError MODEL_CORRUPT */
export function parseJson(text: string, what: string): unknown {
  let problem: string | undefined;
  try {
    problem = problemOf(text);
    if (problem === undefined) return JSON.parse(text);
  } catch (cause) {
    throw new AppError('MODEL_CORRUPT', `${what} is not JSON`, { cause });
  }
  throw new AppError('MODEL_CORRUPT', `${what}: ${problem}`);
}

/** Text of a file that people may have touched: with a mark of the byte order. @throws AppError MODEL_CORRUPT */
export function textOfFile(bytes: Uint8Array, what: string): string {
  try {
    return textFromBytes(bytes);
  } catch (cause) {
    throw new AppError('MODEL_CORRUPT', `${what} is not text`, { cause });
  }
}

/** JSON of such a file. @throws AppError MODEL_CORRUPT */
export const parseJsonFile = (bytes: Uint8Array, what: string): unknown =>
  parseJson(textOfFile(bytes, what), what);

/** A file's object. @throws AppError MODEL_CORRUPT */
export function objectOf(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AppError('MODEL_CORRUPT', `${what} is not an object`);
  return value as Json;
}
