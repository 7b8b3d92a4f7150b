/** What of a conversation a language model is given: as many of the newest turns as have room. Pure. */
import type { ChatMessage, Conversation } from '../../../../client/api.ts';
import { AppError } from '../../../../lib/errors.ts';
import type { Turn } from './kept-chat.ts';

export interface Fitted {
  /** Its input is undefined where not even the question alone fits. */
  readonly made: Conversation;
  /** Turns, the oldest ones, that are left out. */
  readonly unread: number;
}

/** Turns that may be read: a question without an answer says nothing, and templates want them in turn. */
export const readable = (turns: readonly Turn[]): Turn[] =>
  turns.filter(({ answer }) => answer?.text.trim());

export function messagesOf(
  system: string,
  turns: readonly Turn[],
  question: string,
): ChatMessage[] {
  const told = system.trim() ? [{ role: 'system', content: system } as const] : [];
  const said = turns.flatMap(({ question: content, answer }): ChatMessage[] => [
    { role: 'user', content },
    { role: 'assistant', content: answer!.text },
  ]);
  return [...told, ...said, { role: 'user', content: question }];
}

/**
 * Leaves out as few of the oldest turns as it can, so that an answer of `room` tokens has a place, or a quarter of the
 * context where that is less. A question for which there is hardly any place may still be asked alone.
 * @param measure counts the conversation without so many of its turns @throws as measure, of the question alone
 */
export async function fit(
  measure: (unread: number) => Promise<Conversation>,
  turns: number,
  room: number,
): Promise<Fitted> {
  const fits = async (unread: number): Promise<Conversation | undefined> => {
    try {
      const made = await measure(unread);
      const wanted = Math.min(room, Math.ceil((made.limit + 1) / 4));
      return made.input && made.tokens + wanted <= made.limit + 1 ? made : undefined;
    } catch (e) {
      // More characters than are read at once.
      if (AppError.from(e).code !== 'INPUT_LONG') throw e;
      return undefined;
    }
  };
  // The fewer turns, the fewer tokens: the place between too many and few enough is found by halves.
  let [least, most] = [0, turns];
  let found: Fitted | undefined;
  while (least < most) {
    // All of them fit in most conversations: asked first.
    const unread = least === 0 && most === turns ? 0 : Math.floor((least + most) / 2);
    const made = await fits(unread);
    if (made) [found, most] = [{ made, unread }, unread];
    else least = unread + 1;
  }
  return found ?? { made: await measure(turns), unread: turns };
}
