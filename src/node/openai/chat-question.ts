/** What a body of `/v1/chat/completions` asks a language model. */
import type { ChatMessage } from '../../client/api.ts';
import { AppError } from '../../lib/errors.ts';
import type { Generation } from '../../miner/generator/generation.ts';
import {
  optionsOf,
  seedFromText,
  TOP_P_ONE,
  UNIT,
  unitsFromText,
  type Options,
} from '../../miner/generator/options.ts';
import { FieldError } from '../http/http.ts';
import type { Inference, NamedModel } from '../http/inference.ts';
import type { ChatBody } from './schemas.ts';

/** Decimals of a number that count: a unit is 1/65,536. */
const DECIMALS = 9;

export interface Conversed {
  readonly input: Uint8Array;
  /** Of it, as the model reads it. */
  readonly tokens: number;
}

/** @throws FieldError INPUT_EMPTY, INPUT_LONG, INPUT_CONTROL, and what `Inference.converse` throws */
export async function converse(
  inference: Inference,
  { id, name }: NamedModel,
  messages: ChatBody['messages'],
  signal: AbortSignal | undefined,
): Promise<Conversed> {
  try {
    const { input, tokens, limit } = await inference.converse(id, messages.map(messageOf), signal);
    if (input) return { input, tokens };
    throw new AppError('INPUT_LONG', `${tokens} tokens; a conversation with ${name} has ${limit}`);
  } catch (e) {
    const { code, message } = AppError.from(e);
    if (code === 'INPUT_EMPTY' || code === 'INPUT_LONG' || code === 'INPUT_CONTROL')
      throw new FieldError(code, 'messages', message);
    throw e;
  }
}

const messageOf = ({ role, content }: ChatBody['messages'][number]): ChatMessage => ({
  role: role === 'developer' ? 'system' : role,
  content: typeof content === 'string' ? content : content.map(({ text }) => text).join(''),
});

/**
 * The model's own options with what the body says. Without a seed the call's key is one: the same call made again is
 * the same question. @throws FieldError BODY_MALFORMED
 */
export function choosingOf(body: ChatBody, generation: Generation, key: string): Options {
  const { temperature, top_p, top_k, repetition_penalty, seed } = body;
  return optionsOf(generation.defaults, {
    ...(temperature != null && { temperature: unitsOf(temperature, UNIT) }),
    ...(top_p != null && { topP: Math.max(1, unitsOf(top_p, TOP_P_ONE)) }),
    ...(top_k != null && { topK: top_k }),
    ...(repetition_penalty != null && { penalty: unitsOf(repetition_penalty, UNIT) }),
    maxTokens: lengthOf(body) ?? generation.defaults.maxTokens,
    seed: seedFromText(seed == null ? key : String(seed)),
  });
}

const unitsOf = (value: number, one: number): number => unitsFromText(value.toFixed(DECIMALS), one);

function lengthOf({ max_tokens, max_completion_tokens }: ChatBody): number | undefined {
  const said = [max_tokens, max_completion_tokens].filter((each) => each != null);
  if (said.length === 2 && said[0] !== said[1])
    throw new FieldError(
      'BODY_MALFORMED',
      'max_completion_tokens',
      'max_tokens and max_completion_tokens are one thing, and differ here',
    );
  return said[0];
}

export const stopsOf = ({ stop }: ChatBody): readonly string[] =>
  stop == null ? [] : [stop].flat();
