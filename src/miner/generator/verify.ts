/**
 * Whether an answer is the one that follows from package, input and options: one pass over both, and every token chosen
 * again from the row before it. By induction all tokens before the first wrong one are right, so that the rows up to
 * there are those that its maker must have had.
 */
import { shapeFor } from '../../core/manifest.ts';
import type { Backend } from '../engine/backend.ts';
import { Course, type Language } from './course.ts';
import { HEAD_ROWS_MAX } from './head.ts';
import type { Options } from './options.ts';

export type Verdict =
  | { readonly right: true }
  | {
      readonly right: false;
      /** Place of the first token that is wrong, missing (the answer's length) or too many. */
      readonly at: number;
      /** What it should be; undefined: the answer ends before it. */
      readonly token: number | undefined;
    };

export interface Claim {
  readonly input: Uint32Array;
  readonly options: Options;
  readonly answer: Uint32Array;
}

/** @throws AppError as Course and `Backend.pass` */
export async function verify(
  language: Language,
  backend: Pick<Backend, 'pass'>,
  { input, options, answer }: Claim,
  signal?: AbortSignal,
): Promise<Verdict> {
  const { manifest, head } = language;
  const course = new Course(language, input, options);
  // What is no token is wrong at its place, and so is what comes after the last that there may be.
  const odd = answer.findIndex((id) => id >= manifest.vocabulary);
  const read = answer.subarray(0, Math.min(course.limit, odd < 0 ? answer.length : odd));
  const used = input.length + read.length;
  const shape = shapeFor(manifest, used);
  const tokens = new Uint32Array(manifest.shapes[shape]!.tokens);
  tokens.set(input);
  tokens.set(read, input.length);
  const plain = { shape, tokens, sigma0: undefined, limits: [], answerOnly: true, rows: used };
  const made = await backend.pass({ ...plain, ...(signal && { signal }) });
  const rows = made.answer.subarray((input.length - 1) * head.size, used * head.size);

  let at = 0;
  let verdict: Verdict | undefined;
  const judge = (logits: Float64Array): void => {
    if (verdict) return;
    const token = course.choose(logits);
    if (answer[at] !== token) {
      verdict = { right: false, at, token };
      return;
    }
    const finish = course.take(token);
    at++;
    if (!finish) return;
    verdict = at < answer.length ? { right: false, at, token: undefined } : { right: true };
  };
  const part = HEAD_ROWS_MAX * head.size;
  for (let from = 0; !verdict; from += part)
    await head.each(rows.subarray(from, from + part), judge);
  return verdict;
}
