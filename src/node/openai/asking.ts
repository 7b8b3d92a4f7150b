/** What calls of OpenAI's shape are answered with. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answerer } from '../../client/mining/answerer.ts';
import type { Callers } from '../http/caller.ts';
import type { Inference, NamedModel } from '../http/inference.ts';
import type { AskPaid, Call, Question } from '../http/paid-inference.ts';

export interface OpenAiDeps {
  readonly inference: Inference;
  readonly askPaid: AskPaid;
  readonly answerer: Pick<Answerer, 'generate'>;
  readonly callers: Callers;
  /** Whether a model is whole on this node. */
  isHere(model: Uint8Array): boolean;
  /** What a call pays at most, nV for a unit of the model's price. @throws AppError BODY_MALFORMED */
  priceMaxOf(
    request: IncomingMessage,
    model: NamedModel,
  ): Promise<Pick<Question, 'priceMax' | 'isPriceNamed'>>;
}

/** One call in work. */
export interface Asking {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly call: Call;
  /** The caller chose the key, and may come back for the answer. */
  readonly isKeyed: boolean;
  readonly gone: AbortSignal;
}
