/** Which sentence of a passage is most like a question: the one that is marked. */
import { HEADING, sentencesOf, type Passage } from './cut.ts';
import type { Embedder } from './embedder.ts';
import { nearest, rowsFrom } from './nearest.ts';
import { isReadable } from './read-text.ts';

/** Sentences of one passage that are looked at. */
const SENTENCES_MAX = 16;

/**
 * The place of the sentence within each passage; undefined where it has but one. A heading says what is spoken of, and
 * answers nothing.
 * @throws AppError as Embedder.embed
 */
export async function bestSentences(
  embedder: Embedder,
  query: Int8Array,
  passages: readonly string[],
  signal?: AbortSignal,
): Promise<(Passage | undefined)[]> {
  const found = passages.map((text) => {
    const all = sentencesOf(text).filter(({ from, to }) => isReadable(text.slice(from, to)));
    if (all.length < 2) return [];
    const said = all.map((at) => trimmed(text, at));
    return said
      .filter(({ from, to }) => !HEADING.test(text.slice(from, to)))
      .slice(0, SENTENCES_MAX);
  });
  const texts = found.flatMap((all, i) => all.map(({ from, to }) => passages[i]!.slice(from, to)));
  const rows = await embedder.embed(texts, signal);
  let at = 0;
  return found.map((all) => {
    const own = rows.slice(at, (at += all.length)).map((row) => rowsFrom(row, embedder.size));
    const best = nearest(own, query, 1)[0];
    return best && all[best.document];
  });
}

/** Without the blanks around it. */
function trimmed(text: string, { from, to }: Passage): Passage {
  const said = text.slice(from, to);
  const start = from + said.length - said.trimStart().length;
  return { from: start, to: start + said.trim().length };
}
