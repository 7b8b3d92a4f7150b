/** A question about one's texts, as a language model is asked it: the best passages, then the question. */
import { AppError } from '../../lib/errors.ts';
import type { Conversation } from '../api.ts';

/** Passages that are put before a question at most: each is read before the answer begins. */
export const CONTEXT_PASSAGES_MAX = 8;
/** Tokens that are left for the answer, where the model takes many; of one that takes few, a quarter. */
const ANSWER_TOKENS = 256;

/** What the model is told first, in plain English, which models know best. */
export const FROM_PASSAGES =
  'Answer from the passages alone, briefly and in their language. If they do not say it, say so.';

export interface Grounded<P> {
  /** What the model is asked. */
  readonly content: string;
  /** Those that it reads, the best first. */
  readonly passages: readonly P[];
}

/**
 * As many of the passages as the model's context has room for, the best first.
 * @param converse counts a conversation whose last question is `content`
 * @param goesOn the question has others before it: a quarter of the context is left for them too
 * @throws AppError as AskApi.converse, of the question without passages
 */
export async function groundedQuestion<P extends { readonly name: string; readonly text: string }>(
  converse: (content: string) => Promise<Conversation>,
  question: string,
  found: readonly P[],
  goesOn = false,
): Promise<Grounded<P>> {
  await converse(contentOf(question, []));
  const passages: P[] = [];
  for (const next of found) {
    if (passages.length === CONTEXT_PASSAGES_MAX) break;
    const made = await converse(contentOf(question, [...passages, next])).catch((e: unknown) => {
      // What a passage does to the model's marks, or to its bounds, is no fault of the question.
      if (['INPUT_CONTROL', 'INPUT_LONG'].includes(AppError.from(e).code)) return undefined;
      throw e;
    });
    if (!made) continue;
    const { tokens, limit } = made;
    const room = Math.min(ANSWER_TOKENS, limit / 4) + (goesOn ? limit / 4 : 0);
    if (tokens + room <= limit) passages.push(next);
  }
  return { content: contentOf(question, passages), passages };
}

function contentOf(
  question: string,
  passages: readonly { readonly name: string; readonly text: string }[],
): string {
  const said = passages.map(({ name, text }, i) => `[${i + 1}] ${name}\n${text.trim()}`);
  return [...said, `Question: ${question}`].join('\n\n');
}
