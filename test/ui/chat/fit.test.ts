/** What of a conversation has room in a model's context: the newest turns, as many as leave room for an answer. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ChatMessage, Conversation } from '../../../src/client/api.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { fit, messagesOf, readable } from '../../../src/ui/ask/generate/chats/fit.ts';
import type { Read, Turn } from '../../../src/ui/ask/generate/chats/kept-chat.ts';

const LIMIT = 99;
/** Of turns of so many tokens each, and a question of `asked`; above `most` they are refused as too many letters. */
const measureOf = (turns: readonly number[], asked: number, most = Infinity) => {
  let calls = 0;
  const measure = async (unread: number): Promise<Conversation> => {
    calls++;
    const tokens = turns.slice(unread).reduce((sum, n) => sum + n, asked);
    if (tokens > most) throw new AppError('INPUT_LONG', '');
    return { tokens, limit: LIMIT, input: tokens > LIMIT ? undefined : new Uint8Array(2) };
  };
  return { measure, calls: () => calls };
};

it('as few of the oldest turns are left out as leave room for an answer', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 120 }),
      fc.integer({ min: 1, max: 60 }),
      async (turns, asked, room) => {
        const { measure, calls } = measureOf(turns, asked, 300);
        const { made, unread } = await fit(measure, turns.length, room);
        const wanted = Math.min(room, 25);
        const tokensFrom = (from: number) => turns.slice(from).reduce((sum, n) => sum + n, asked);
        expect(made.tokens).toBe(tokensFrom(unread));
        // By one turn more there would be no room; with none left out but all, the question alone is what it is.
        if (unread > 0) expect(tokensFrom(unread - 1) + wanted).toBeGreaterThan(LIMIT + 1);
        if (unread < turns.length) expect(made.tokens + wanted).toBeLessThanOrEqual(LIMIT + 1);
        expect(calls()).toBeLessThanOrEqual(8);
      },
    ),
  );
});

it('a question that does not fit alone is told so, with both numbers; other faults are thrown', async () => {
  expect(await fit(measureOf([5, 5], 120).measure, 2, 10)).toEqual({
    made: { tokens: 120, limit: LIMIT, input: undefined },
    unread: 2,
  });
  await expect(fit(measureOf([5], 120, 110).measure, 1, 10)).rejects.toMatchObject({
    code: 'INPUT_LONG',
  });
  const control = async () => Promise.reject(new AppError('INPUT_CONTROL', 'x'));
  await expect(fit(control, 3, 10)).rejects.toMatchObject({ code: 'INPUT_CONTROL' });
});

it('roles are in turn: what has no answer is not read, a system’s turn comes first', () => {
  const answer = {
    text: 'b',
    tokens: 1,
    end: 'stop',
    seed: '',
    model: '',
    unread: 0,
    read: [] as Read[],
  } as const;
  const turns: Turn[] = [
    { question: 'a', answer },
    { question: 'none', answer: null },
    { question: 'blank', answer: { ...answer, text: ' \n' } },
  ];
  const said: ChatMessage[] = [
    { role: 'system', content: 's' },
    { role: 'user', content: 'a' },
    { role: 'assistant', content: 'b' },
    { role: 'user', content: 'c' },
  ];
  expect(messagesOf('s', readable(turns), 'c')).toEqual(said);
  expect(messagesOf(' ', readable(turns), 'c')).toEqual(said.slice(1));
});
