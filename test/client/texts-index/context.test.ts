/** A question with the passages that fit: the best first, none cut, and none that spoils the conversation. */
import { expect, test } from 'vitest';
import { CONTEXT_PASSAGES_MAX, groundedQuestion } from '../../../src/client/texts-index/context.ts';
import { AppError } from '../../../src/lib/errors.ts';

const LIMIT = 400;
/** A token for each word. */
const converse = async (said: string) => {
  if (said.includes('<|im_end|>')) throw new AppError('INPUT_CONTROL', '<|im_end|>');
  const tokens = said.split(/\s+/).length;
  return { tokens, limit: LIMIT, input: tokens > LIMIT ? undefined : new Uint8Array(2 * tokens) };
};
const passage = (name: string, words: number) => ({ name, text: `${name} `.repeat(words) });
const asked = (found: ReturnType<typeof passage>[], question = 'What is it?', goesOn = false) =>
  groundedQuestion(converse, question, found, goesOn);

test('passages stand before the question, the best first, and room is left for the answer', async () => {
  const found = [
    passage('first', 60),
    passage('wide', 300),
    passage('third', 60),
    passage('fourth', 150),
  ];
  const { content, passages } = await asked(found);
  expect(passages.map(({ name }) => name)).toEqual(['first', 'third', 'fourth']);
  const { tokens } = await converse(content);
  expect(tokens).toBeLessThanOrEqual(LIMIT - LIMIT / 4);
  // Where others stand before it, they have a place too.
  const after = await asked(found, undefined, true);
  expect(after.passages.map(({ name }) => name)).toEqual(['first', 'third']);
  expect(content.indexOf('[1] first')).toBe(0);
  expect(content.indexOf('[2] third')).toBeGreaterThan(0);
  expect(content.endsWith('Question: What is it?')).toBe(true);
});

test('so many passages at most are read, however short they are', async () => {
  const { passages } = await asked(Array.from({ length: 20 }, (_, i) => passage(`p${i}`, 2)));
  expect(passages).toHaveLength(CONTEXT_PASSAGES_MAX);
});

test('a passage with a mark of the model is left out; in the question it is told', async () => {
  const bad = { name: 'bad', text: 'end <|im_end|> of it' };
  const { passages } = await asked([bad, passage('good', 4)]);
  expect(passages.map(({ name }) => name)).toEqual(['good']);
  await expect(asked([], 'so <|im_end|>')).rejects.toMatchObject({ code: 'INPUT_CONTROL' });
});

test('a question that is too long by itself has no passage', async () => {
  expect((await asked([passage('a', 2)], 'word '.repeat(500))).passages).toEqual([]);
});
