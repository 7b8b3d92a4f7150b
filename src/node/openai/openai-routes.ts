/** The part of `/v1` that has OpenAI's shape: whoever speaks to that speaks to this node. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../../lib/errors.ts';
import { networkOf } from '../../net/address-rate.ts';
import { RateLimiter } from '../../net/rate.ts';
import { sendJson, type Route, type Routes } from '../http/http.ts';
import type { Spender } from '../http/spending.ts';
import type { Asking, OpenAiDeps } from './asking.ts';
import { callKey } from './call-key.ts';
import { chat } from './chat.ts';
import { embed } from './embeddings.ts';
import { readJson } from './read-body.ts';

/** Bytes of a body with texts: 2,048 of 512 tokens each. */
const TEXTS_BYTES_MAX = 8 * 1024 * 1024;
/** Calls that are answered at once. */
export const RUNNING_MAX = 32;
/** Calls from one address. */
export const CALL_RATE = { perSecond: 20, burst: 200 };

/** @returns what is told, or undefined where it has told it itself */
type Answer = (deps: OpenAiDeps, asking: Asking, body: unknown) => Promise<object | undefined>;

/** @returns the routes for callers whom a guard lets spend */
export function openAiRoutes(
  deps: OpenAiDeps,
): (guard: (request: IncomingMessage) => Spender) => Routes {
  const calls = new RateLimiter(CALL_RATE);
  let running = 0;

  async function run(
    request: IncomingMessage,
    response: ServerResponse,
    by: Spender,
    answer: Answer,
  ): Promise<void> {
    const { key, isKeyed } = callKey(request);
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const body = await readJson(request, TEXTS_BYTES_MAX);
    const asking = { request, response, call: { key, by }, isKeyed, gone: gone.signal };
    const told = await answer(deps, asking, body);
    if (told) sendJson(response, 200, told);
  }

  return (guard) => {
    const route =
      (answer: Answer): Route =>
      async (request, response) => {
        if (!calls.take(networkOf(deps.callers.of(request)), 1, Date.now()))
          throw new AppError('RATE_LIMIT', 'too many calls from this address');
        const by = guard(request);
        if (running >= RUNNING_MAX) throw new AppError('BUSY', `${RUNNING_MAX} calls are answered`);
        running++;
        try {
          await run(request, response, by, answer);
        } finally {
          running--;
        }
      };
    return { 'POST /v1/chat/completions': route(chat), 'POST /v1/embeddings': route(embed) };
  };
}
