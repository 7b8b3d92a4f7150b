/**
 * Whether an answer is the one that follows from package, input and options: one pass over both, and every token chosen
 * again from the row before it. By induction all tokens before the first wrong one are right, so that the rows up to
 * there are those that its maker must have had.
 */
import { shapeFor } from '../../core/manifest.ts';
import { AppError } from '../../lib/errors.ts';
import type { Backend } from '../engine/backend.ts';
import type { Verdict } from './answer.ts';
import { Course, type Language } from './course.ts';
import { HEAD_ROWS_MAX } from './head.ts';
import type { Options } from './options.ts';
import type { Stepper } from './stepper.ts';

export interface Claim {
  readonly input: Uint32Array;
  readonly options: Options;
  readonly answer: Uint32Array;
}

/** Rows of the answers of n tokens, n × size, from a pass or from steps. */
type RowsOf = (tokens: Uint32Array) => Promise<Int8Array>;

/**
 * @param stepper where one is given, nobody is told wrong by the pass alone: their answer was made by steps, and of a
 * package whose shapes contradict each other these give other rows
 * @throws AppError as Course, `Backend.pass` and `Stepper`; MODEL_REFUSED where steps and pass contradict each other
 */
export async function verify(
  language: Language,
  backend: Pick<Backend, 'pass'>,
  claim: Claim,
  { signal, stepper }: { readonly signal?: AbortSignal; readonly stepper?: Stepper } = {},
): Promise<Verdict> {
  const verdict = await judged(language, claim, passed(language, backend, signal));
  // One that was stopped before its end is only shorter.
  if (verdict.right || verdict.at === claim.answer.length || !stepper) return verdict;

  const { at } = verdict;
  const answer = claim.answer.subarray(0, at + 1);
  const again = await judged(language, { ...claim, answer }, stepped(language, stepper));
  const isSame = !again.right && again.at === at && again.token === verdict.token;
  if (!isSame)
    throw new AppError('MODEL_REFUSED', `${language.manifest.name} contradicts itself at ${at}`);
  return verdict;
}

/** Rows by one pass, of the shortest shape that holds the tokens. */
const passed =
  ({ manifest }: Language, backend: Pick<Backend, 'pass'>, signal?: AbortSignal): RowsOf =>
  async (text) => {
    const shape = shapeFor(manifest, text.length);
    const tokens = new Uint32Array(manifest.shapes[shape]!.tokens);
    tokens.set(text);
    const rows = text.length;
    const plain = { shape, tokens, sigma0: undefined, limits: [], answerOnly: true, rows };
    return (await backend.pass({ ...plain, ...(signal && { signal }) })).answer;
  };

/** Rows by steps, in a conversation of its own. */
const stepped =
  ({ head }: Language, stepper: Stepper): RowsOf =>
  async (text) => {
    const rows = new Int8Array(text.length * head.size);
    const conversation = stepper.open();
    try {
      for (let from = 0; from < text.length; from += stepper.together) {
        const part = Array.from(text.subarray(from, from + stepper.together));
        const made = await stepper.step(part.map((token) => ({ conversation, token })));
        rows.set(made, from * head.size);
      }
    } finally {
      stepper.close(conversation);
    }
    return rows;
  };

async function judged(
  language: Language,
  { input, options, answer }: Claim,
  rowsOf: RowsOf,
): Promise<Verdict> {
  const { manifest, head } = language;
  const course = new Course(language, input, options);
  // What is no token is wrong at its place, and so is what comes after the last that there may be.
  const odd = answer.findIndex((id) => id >= manifest.vocabulary);
  const read = answer.subarray(0, Math.min(course.limit, odd < 0 ? answer.length : odd));
  const text = new Uint32Array(input.length + read.length);
  text.set(input);
  text.set(read, input.length);
  const rows = (await rowsOf(text)).subarray((input.length - 1) * head.size);

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
  const end = (1 + read.length) * head.size;
  for (let from = 0; !verdict; from += part)
    await head.each(rows.subarray(from, Math.min(end, from + part)), judge);
  return verdict;
}
