/**
 * An answer compared with what others give to the very same question. The answer is a function of model, input and
 * options, so that two who tell the truth give the same bytes. Keys are free: what others say convicts nobody, and
 * only running the model proves who is right.
 */
import { ANSWER_TOKEN_BYTES, tokensRead } from '../../core/manifest.ts';
import { tokensFromBytes } from '../../core/reading.ts';
import { equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { AnswerCheck, ModelInfo, PaidAnswer, Provider } from '../api.ts';
import { isOfProvider, TRIES_MAX } from './buying.ts';
import { differenceAt } from './paid-answer.ts';

/** What somebody else's answer says of one. */
export interface Opinion {
  /** Theirs, with its receipt. */
  readonly other: PaidAnswer;
  /** As if theirs were the model's. */
  readonly check: AnswerCheck;
}

/** What several opinions come to. */
export interface Conclusion {
  readonly isEqual: boolean;
  /** Those that say so. */
  readonly by: readonly Opinion[];
}

/** One who gave the same and no more says that the answer ends there. */
export function opinionOf(
  answer: PaidAnswer,
  other: PaidAnswer,
  { kind }: Pick<ModelInfo, 'kind'>,
): Opinion {
  const at = differenceAt(answer.answer, other.answer);
  if (at === undefined) return { other, check: { isEqual: true, at } };
  if (kind !== 'generator') return { other, check: { isEqual: false, at } };
  const place = Math.floor(at / ANSWER_TOKEN_BYTES);
  const token = tokensFromBytes(other.answer)[place];
  return { other, check: { isEqual: false, at: place, token } };
}

/** Of kept answers to the same question: the newest of each other provider. @param kept the newest first */
export function opinionsOn(
  answer: PaidAnswer,
  kept: readonly PaidAnswer[],
  model: Pick<ModelInfo, 'kind'>,
): Opinion[] {
  const found: PaidAnswer[] = [];
  for (const other of kept) {
    const isSame =
      equal(other.model, answer.model) &&
      equal(other.input, answer.input) &&
      equal(other.options, answer.options) &&
      other.answer.length > 0;
    const isKnown = [answer, ...found].some(({ provider }) => equal(provider, other.provider));
    if (isSame && !isKnown) found.push(other);
  }
  return found.map((other) => opinionOf(answer, other, model));
}

/** One that agrees is enough, and so are two that say the same otherwise; undefined: it is open. */
export function conclusionOf(opinions: readonly Opinion[]): Conclusion | undefined {
  const agreeing = opinions.filter(({ check }) => check.isEqual);
  if (agreeing.length) return { isEqual: true, by: agreeing };
  const alike = (one: Opinion): Opinion[] =>
    opinions.filter(({ other }) => equal(other.answer, one.other.answer));
  const against = opinions.map(alike).find(({ length }) => length > 1);
  return against && { isEqual: false, by: against };
}

/** Whether a provider takes the whole of an answer's question: a shorter answer would say that it is too long. */
export function takesWhole(
  { window }: Pick<Provider, 'window'>,
  { input, units }: Pick<PaidAnswer, 'input' | 'units'>,
  model: ModelInfo,
): boolean {
  return model.kind !== 'generator' || tokensRead(model, input) + units <= window;
}

export interface AskingOthers {
  /** What is known already. */
  readonly opinions: readonly Opinion[];
  /** The next one to ask, of those that were not; undefined: there is none. */
  next(tried: readonly Provider[]): Promise<Provider | undefined>;
  /** Asks for the very same answer. @throws AppError as PrepaidApi.askPrepaid */
  ask(provider: Provider): Promise<Opinion>;
  /** One gave nothing: the next is asked. */
  onFailed?(provider: Provider, error: AppError): void;
}

/**
 * Asks one after the other until there is a conclusion, three at most.
 * @returns all opinions, which may be open
 * @throws AppError the last one's, where nobody gave anything; MODEL_UNOFFERED where nobody else answers
 */
export async function askOthers(asking: AskingOthers): Promise<readonly Opinion[]> {
  const { next, ask, onFailed } = asking;
  const opinions = [...asking.opinions];
  const tried: Provider[] = [];
  let failure = new AppError('MODEL_UNOFFERED', 'nobody else answers with this model');
  while (!conclusionOf(opinions) && tried.length < TRIES_MAX) {
    const provider = await next(tried);
    if (!provider) break;
    tried.push(provider);
    try {
      opinions.push(await ask(provider));
    } catch (error) {
      if (!isOfProvider(error)) throw error;
      failure = AppError.from(error);
      onFailed?.(provider, failure);
    }
  }
  if (!opinions.length) throw failure;
  return opinions;
}
