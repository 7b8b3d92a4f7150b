/** Options of a language model's answer as a person reads and types them. Pure. */
import { AppError } from '../../../lib/errors.ts';
import {
  choosingProblem,
  TOP_P_ONE,
  UNIT,
  unitsFromText,
  type Choosing,
} from '../../../miner/generator/options.ts';
import type { KeptChat } from './chats/kept-chat.ts';

/** What the fields hold. */
export interface Said {
  temperature: string;
  topP: string;
  maxTokens: string;
  /** '': another one for each answer. */
  seed: string;
  /** What the model is told before all questions. */
  system: string;
}

/** Units of one. */
const ONE = { temperature: UNIT, topP: TOP_P_ONE, maxTokens: 1 } as const;
type Numbered = keyof typeof ONE;
const DECIMALS = 2;

/** A model's own options as they stand in the fields. */
export function saidOf(defaults: Choosing, locale: string): Pick<Said, Numbered> {
  const digits = { maximumFractionDigits: DECIMALS, useGrouping: false };
  const shown = (name: Numbered): string =>
    new Intl.NumberFormat(locale, digits).format(defaults[name] / ONE[name]);
  return {
    temperature: shown('temperature'),
    topP: shown('topP'),
    maxTokens: shown('maxTokens'),
  };
}

/**
 * What an asker says with the fields; what was left as it stood is the model's own.
 * @throws AppError OPTION_MALFORMED, OPTION_RANGE, with the field's name as its message
 */
export function askedOf(
  said: Pick<Said, Numbered>,
  defaults: Choosing,
  locale: string,
): Partial<Record<Numbered, number>> {
  const mark = (1.5).toLocaleString(locale).includes(',') ? ',' : '.';
  const own = saidOf(defaults, locale);
  const options: Partial<Record<Numbered, number>> = {};
  for (const name of Object.keys(ONE) as Numbered[]) {
    if (said[name].trim() === own[name]) continue;
    try {
      options[name] = unitsFromText(said[name], ONE[name], mark);
    } catch (cause) {
      throw new AppError('OPTION_MALFORMED', name, { cause });
    }
    if (choosingProblem({ ...defaults, ...options })) throw new AppError('OPTION_RANGE', name);
  }
  return options;
}

/** Options as a conversation keeps them. */
export const keptOf = (options: Partial<Record<Numbered, number>>): Pick<KeptChat, Numbered> => ({
  temperature: options.temperature ?? null,
  topP: options.topP ?? null,
  maxTokens: options.maxTokens ?? null,
});

/** Those that a conversation keeps. */
export const choosingIn = (chat: Pick<KeptChat, Numbered>): Partial<Record<Numbered, number>> =>
  Object.fromEntries(
    (Object.keys(ONE) as Numbered[]).flatMap((name) =>
      chat[name] === null ? [] : [[name, chat[name]]],
    ),
  );

/** Where the last whole sentence or line of a text ends; 0 where there is none. */
export function wholeSentences(text: string): number {
  const ends = [...text.matchAll(/[.!?…](?=\s)|\n/gu)];
  const last = ends.at(-1);
  return last ? last.index + last[0].length : 0;
}
