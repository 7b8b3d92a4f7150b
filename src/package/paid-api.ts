/** What a program is told of answers for pay. */
import type { AnswerCheck, ChatMessage, PaidAnswer } from '../client/api.ts';
import type { Answer } from './answer.ts';
import type { ChatOptions } from './models-here.ts';

/** What may be spent on answers, and how it is set aside. */
export interface ChannelOptions {
  /** nV for the answer at most: whoever asks for more is not asked. */
  readonly most?: bigint;
  /** nV that a new channel sets aside; what is not spent comes back. Default: 0.0101 VLT and twice what the answer may cost. */
  readonly limit?: bigint;
  /** Blocks after which a new channel gives back what is left, whatever its provider does. Default: 10,080. */
  readonly lifetime?: number;
}

export interface AskOptions extends ChatOptions, ChannelOptions {}

/** An answer that was paid for. */
export interface Bought {
  /** A language model's text, or the label of a text; undefined where the model can't tell. */
  readonly text: string | undefined;
  /** nV of this answer, rounded up as its provider may. */
  readonly cost: bigint;
  /** What was signed, by whom, for what. */
  readonly answer: PaidAnswer;
  /** With the receipt, in the form that anybody verifies. */
  readonly shared: Uint8Array;
}

export interface VerifyOptions extends ChannelOptions {
  /** Others answer the same question, for pay, in place of a run here; `most` is for each of them. */
  readonly byOthers?: boolean;
}

export interface Verified extends AnswerCheck {
  readonly answer: PaidAnswer;
  /** Answers of others that say so, each with its receipt: two keys may be one person's. Empty: it ran here. */
  readonly by: readonly PaidAnswer[];
}

export interface Paid {
  /**
   * Asks the best provider, and the next where one fails. The first question to a provider opens a channel, which a
   * block has to take. A language model must be on this device, which reads and writes its tokens.
   * @throws SERVING_MISSING without a key; MODEL_UNOFFERED, PRICE_LOW, MODEL_MISSING, INPUT_EMPTY, INPUT_LONG, OPTION_RANGE,
   * NOT_PROVEN, TX_REFUSED, the last provider's PROVIDER_*, CHANNEL_*: where the answer is read
   */
  ask(
    model: string | Uint8Array,
    question: string | readonly ChatMessage[],
    options?: AskOptions,
  ): Answer<Bought>;
  /**
   * Asks all providers to close their channels, and resolves once what is left of all is back: with the blocks that
   * take the closes, or where a provider stays away, at the channel's end.
   */
  closeChannels(): Promise<void>;
  /**
   * Runs the model on an answer that somebody shared, or has up to three others answer the same question: one that
   * gives the same is enough, and so are two that give the same other answer. @param shared bytes, or their hex digits
   * @throws ANSWER_MALFORMED, ANSWER_FOREIGN, ANSWER_FORGED, MODEL_MISSING, NO_MINER; by others ANSWER_DISPUTED where
   * no two of them agree, and as `ask`
   */
  verify(shared: Uint8Array | string, options?: VerifyOptions): Promise<Verified>;
}
