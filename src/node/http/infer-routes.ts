/** `/v1`: models, prices and answers as JSON. Amounts are nV as decimal text, bytes are hex. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { InputReading } from '../../client/api.ts';
import { inputBytesMax, sequenceBytes, unitMacs, type Manifest } from '../../core/manifest.ts';
import { cosine, NONE, readEmbedding, readRow } from '../../core/reading.ts';
import { fromHex, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { networkOf } from '../../net/address-rate.ts';
import { RateLimiter } from '../../net/rate.ts';
import { AMOUNT_MAX } from '../../wallet/amount.ts';
import type { KeyGuard } from './api-key.ts';
import type { Callers } from './caller.ts';
import { guardLoopback, LOOPBACK, readBody, requireJson, sendJson, type Routes } from './http.ts';
import type { Asked, Inference, NamedModel } from './inference.ts';
import type { Answer, AskPaid, Question } from './paid-inference.ts';

/** Most bytes of a call's body: eight texts of 256 tokens in any script, which is more than their ids as hex. */
const BODY_BYTES_MAX = 64 * 1024;
/** Most ms that a call may wait, and the ms that it waits when it does not say. */
const WAIT_MS_MAX = 600_000;
const WAIT_MS = 60_000;
/** Calls that may wait at once. */
export const WAITING_MAX = 32;
/** Calls from one address. */
export const READ_RATE = { perSecond: 20, burst: 100 };
export const ASK_RATE = { perSecond: 1, burst: 20 };

const malformed = (message: string): AppError => new AppError('BODY_MALFORMED', message);

interface AskBody extends Asked {
  /** nV for a sequence at most; undefined: what `PriceOf` says. */
  readonly price: bigint | undefined;
  readonly waitMs: number;
}

export function parseAsk(text: string): AskBody {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw malformed('the body is no JSON');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw malformed('the body is an object');
  const {
    model,
    input,
    inputHex,
    price,
    timeoutMs = WAIT_MS,
    ...more
  } = body as Record<string, unknown>;
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) throw malformed(`there is no field ${unknown.slice(0, 32)}`);
  if (typeof model !== 'string') throw malformed('model is the name of a model');
  const wholeMs = Number.isSafeInteger(timeoutMs) && (timeoutMs as number) >= 0;
  if (!wholeMs || (timeoutMs as number) > WAIT_MS_MAX)
    throw malformed(`timeoutMs is a whole number up to ${WAIT_MS_MAX}`);
  return {
    model,
    input: inputOf(input, inputHex),
    price: amountOf('price', price),
    waitMs: timeoutMs as number,
  };
}

function inputOf(text: unknown, hex: unknown): Asked['input'] {
  const texts = Array.isArray(text) ? text : [text];
  if (hex === undefined && texts.length && texts.every((x) => typeof x === 'string')) {
    if (texts.some((x) => !x.trim())) throw malformed('a text of input is empty');
    return texts;
  }
  const bytes = typeof hex === 'string' && text === undefined ? fromHex(hex) : undefined;
  if (!bytes) throw malformed('give either input (a text, or a list of texts) or inputHex');
  if (!bytes.length) throw malformed('inputHex is empty');
  return bytes;
}

function amountOf(name: string, text: unknown): bigint | undefined {
  if (text === undefined) return undefined;
  if (typeof text !== 'string' || !/^\d{1,20}$/.test(text) || BigInt(text) > AMOUNT_MAX)
    throw malformed(`${name} is nV as decimal text`);
  return BigInt(text);
}

/** The meaning of an answer's rows: labels, `none` where the model is unsure; or embeddings and their similarity. */
function tellRows(answer: Uint8Array, { answerSize, labels }: Manifest): object {
  const rows = Array.from({ length: Math.floor(answer.length / answerSize) }, (_, i) =>
    Int8Array.from(answer.subarray(i * answerSize, (i + 1) * answerSize)),
  );
  if (labels.length) return { labels: rows.map((row) => readRow(row, labels).label ?? NONE) };
  const embeddings = rows.map(readEmbedding);
  return {
    labels: [],
    embeddings: embeddings.map(({ values, scale }) => ({ values: [...values], scale })),
    cosines: embeddings.map((a) => embeddings.map((b) => cosine(a, b))),
  };
}

/** @param texts what the input says, where its model reads words */
export function tellAnswer(
  { model, manifest, input }: Question,
  { rows, paid, cost, shared }: Answer,
  texts: readonly string[] | undefined,
): object {
  return {
    state: 'answered',
    model: manifest.name,
    modelId: toHex(model),
    inputHex: toHex(input),
    ...(texts && { texts }),
    cost: String(cost),
    answers: [{ answerHex: toHex(rows), ...tellRows(rows, manifest) }],
    paid: paid
      ? {
          provider: toHex(paid.provider),
          channel: toHex(paid.channel),
          n: paid.n,
          total: String(paid.total),
          sharedHex: shared ? toHex(shared) : null,
        }
      : null,
  };
}

const UNREAD: InputReading = { ids: undefined, texts: undefined };

/** nV for a sequence of the shape that is mined. */
export interface Prices {
  /** What the best provider asks now, 0 where this node answers by itself; undefined: nobody offers the model. */
  readonly asked: bigint | undefined;
  /** What a caller pays at most who names no price. */
  readonly most: bigint;
}
export type PriceOf = (model: NamedModel) => Promise<Prices>;

const tellModel = ({ name, id, manifest }: NamedModel, { asked, most }: Prices): object => ({
  name,
  id: toHex(id),
  labels: manifest.labels,
  inputBytesMax: inputBytesMax(manifest),
  packing: manifest.packing,
  shapes: manifest.shapes.map(({ sequences, tokens }) => ({ sequences, tokens })),
  tokenizerBytes: manifest.tokenizer?.size ?? 0,
  sequenceBytes: sequenceBytes(manifest),
  answerSize: manifest.answerSize,
  macs: String(unitMacs(manifest)),
  price: asked === undefined ? null : String(asked),
  priceMax: String(most),
});

const aborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });

export interface InferRoutes {
  /** Routes for the page's listener: reading is free, spending needs the key. */
  readonly page: Routes;
  /** Routes for the operator's listener, which is on loopback and needs no key. */
  readonly rpc: Routes;
}

export interface InferDeps {
  readonly rpcHost: string;
  readonly callers: Callers;
  readonly requireKey: KeyGuard;
  readonly askPaid: AskPaid;
  readonly priceOf: PriceOf;
}

export function inferRoutes(
  inference: Inference,
  { rpcHost, callers, requireKey, askPaid, priceOf }: InferDeps,
): InferRoutes {
  const reads = new RateLimiter(READ_RATE);
  const asks = new RateLimiter(ASK_RATE);
  let waiting = 0;

  const limit = (rate: RateLimiter, request: IncomingMessage): void => {
    if (!rate.take(networkOf(callers.of(request)), 1, Date.now()))
      throw new AppError('RATE_LIMIT', 'too many calls from this address');
  };

  /** Waits for an answer; the question goes on without its caller. */
  async function answerTo(body: AskBody, key: string, gone: AbortSignal) {
    const { model, input } = await inference.read(body);
    const { id, manifest } = model;
    const isPriceNamed = body.price !== undefined;
    const priceMax = body.price ?? (await priceOf(model)).most;
    const question = { model: id, manifest, input, priceMax, isPriceNamed };
    const asked = askPaid(question, key);
    const waitMs = waiting >= WAITING_MAX ? 0 : body.waitMs;
    const signal = AbortSignal.any([gone, AbortSignal.timeout(waitMs)]);
    waiting++;
    try {
      const answer = await Promise.race([asked, aborted(signal)]);
      if (!answer) return { status: 202, told: { state: 'waiting', idempotencyKey: key } };
      const { texts } = await inference.readInput(id, input).catch(() => UNREAD);
      return { status: 200, told: tellAnswer(question, answer, texts) };
    } finally {
      waiting--;
    }
  }

  const infer =
    (guard: (request: IncomingMessage) => void): Routes[string] =>
    async (request, response) => {
      limit(asks, request);
      guard(request);
      requireJson(request);
      const key = String(request.headers['idempotency-key'] ?? randomUUID());
      if (!/^[!-~]{1,255}$/.test(key))
        throw new AppError('IDEMPOTENCY_MALFORMED', 'an Idempotency-Key has 1 to 255 characters');
      const body = parseAsk(await readBody(request, BODY_BYTES_MAX));
      const gone = new AbortController();
      response.on('close', () => gone.abort());
      const { status, told } = await answerTo(body, key, gone.signal);
      sendJson(response, status, told);
    };

  const reading =
    (guard: (request: IncomingMessage) => void, read: () => Promise<object>): Routes[string] =>
    async (request, response) => {
      guard(request);
      limit(reads, request);
      sendJson(response, 200, await read());
    };

  const routes = (
    guardRead: (request: IncomingMessage) => void,
    guardSpending: (request: IncomingMessage) => void,
  ): Routes => ({
    'GET /v1/models': reading(guardRead, async () => ({
      models: await Promise.all(
        inference.names.map(async (name) => {
          const model = inference.model(name);
          return tellModel(model, await priceOf(model));
        }),
      ),
    })),
    'POST /v1/infer': infer(guardSpending),
  });

  const guardRpc = (request: IncomingMessage): void => guardLoopback(request, rpcHost);
  return {
    page: routes(() => undefined, requireKey),
    rpc: routes(guardRpc, (request) => {
      guardRpc(request);
      if (!LOOPBACK.test(rpcHost)) requireKey(request);
    }),
  };
}
