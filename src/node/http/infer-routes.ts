/** `/v1`: models, prices and answers as JSON. Amounts are nV as decimal text, bytes are hex. */
import type { IncomingMessage } from 'node:http';
import type { InputReading } from '../../client/api.ts';
import { inputBytesMax, sequenceBytes, unitMacs, type Manifest } from '../../core/manifest.ts';
import { cosine, NONE, readEmbedding, readRow } from '../../core/reading.ts';
import { fromHex, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { networkOf } from '../../net/address-rate.ts';
import { RateLimiter } from '../../net/rate.ts';
import type { KeyGuard } from './api-key.ts';
import type { Callers } from './caller.ts';
import {
  guardLoopback,
  LOOPBACK,
  mapRoutes,
  readBody,
  requireJson,
  send,
  sendJson,
  type Routes,
} from './http.ts';
import { givesOf, type Asked, type Inference, type NamedModel } from './inference.ts';
import type { Answer, AskPaid, Call, Place, Question } from './paid-inference.ts';
import { OPERATOR, type Spender } from './spending.ts';
import { callKey } from '../openai/call-key.ts';
import type { OpenAiDeps } from '../openai/asking.ts';
import { openAiRoutes } from '../openai/openai-routes.ts';
import { LLMS_TXT, OPEN_API } from '../openai/described.ts';
import { placeOf, PRICE_HEADER } from '../openai/place.ts';
import { checked, jsonFrom } from '../openai/read-body.ts';
import { Amount, InferBody } from '../openai/schemas.ts';

/** Most bytes of a call's body: eight texts of 256 tokens in any script, which is more than their ids as hex. */
const BODY_BYTES_MAX = 64 * 1024;
/** Calls that may wait at once. */
export const WAITING_MAX = 32;
/** Calls from one address. */
export const READ_RATE = { perSecond: 20, burst: 100 };
export const ASK_RATE = { perSecond: 1, burst: 20 };

interface AskBody extends Asked {
  readonly place: Place | undefined;
  /** nV for a sequence at most; undefined: what `PriceOf` says. */
  readonly price: bigint | undefined;
  readonly waitMs: number;
}

/** @throws AppError BODY_MALFORMED */
export function parseAsk(text: string, request: Pick<IncomingMessage, 'headers'>): AskBody {
  const body = checked(InferBody, jsonFrom(text));
  const { name, place } = placeOf(request, body.model);
  return {
    model: name,
    place,
    input: 'input' in body ? [body.input].flat() : fromHex(body.inputHex)!,
    price: body.price === undefined ? undefined : BigInt(body.price),
    waitMs: body.timeoutMs,
  };
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

/** nV for a sequence of the shape that is mined, or for a thousand tokens. */
export interface Prices {
  /** The model is whole on this node, and answers free. */
  readonly isHere: boolean;
  /** What the best provider asks now; undefined: nobody offers it. */
  readonly asked: bigint | undefined;
  /** What a caller pays at most who names no price. */
  readonly most: bigint;
}
export type PriceOf = (model: NamedModel) => Promise<Prices>;

/** As OpenAI tells of a model, which has no date here, and what else is known. */
const tellModel = (
  { name, id, manifest }: NamedModel,
  { isHere, asked, most }: Prices,
): object => ({
  id: name,
  object: 'model',
  created: 0,
  owned_by: 'pila',
  modelId: toHex(id),
  gives: givesOf(manifest),
  labels: manifest.labels,
  inputBytesMax: inputBytesMax(manifest),
  packing: manifest.packing,
  shapes: manifest.shapes.map(({ sequences, tokens }) => ({ sequences, tokens })),
  tokenizerBytes: manifest.tokenizer?.size ?? 0,
  sequenceBytes: sequenceBytes(manifest),
  answerSize: manifest.answerSize,
  macs: String(unitMacs(manifest)),
  isHere,
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
  readonly answerer: OpenAiDeps['answerer'];
  readonly isHere: OpenAiDeps['isHere'];
  readonly priceOf: PriceOf;
}

export function inferRoutes(
  inference: Inference,
  { rpcHost, callers, requireKey, askPaid, answerer, isHere, priceOf }: InferDeps,
): InferRoutes {
  const reads = new RateLimiter(READ_RATE);
  const asks = new RateLimiter(ASK_RATE);
  let waiting = 0;

  const limit = (rate: RateLimiter, request: IncomingMessage): void => {
    if (!rate.take(networkOf(callers.of(request)), 1, Date.now()))
      throw new AppError('RATE_LIMIT', 'too many calls from this address');
  };

  async function priceMaxOf(price: bigint | undefined, model: NamedModel) {
    const priceMax = price ?? (await priceOf(model)).most;
    return { priceMax, isPriceNamed: price !== undefined };
  }

  /** Waits for an answer; the question goes on without its caller. */
  async function answerTo(body: AskBody, call: Call, gone: AbortSignal) {
    const { place } = body;
    const { model, input } = await inference.read(body);
    const { id, manifest } = model;
    const question = {
      model: id,
      manifest,
      input,
      place,
      ...(await priceMaxOf(body.price, model)),
    };
    const asked = askPaid(question, call);
    const waitMs = waiting >= WAITING_MAX ? 0 : body.waitMs;
    const signal = AbortSignal.any([gone, AbortSignal.timeout(waitMs)]);
    waiting++;
    try {
      const answer = await Promise.race([asked, aborted(signal)]);
      if (!answer) return { status: 202, told: { state: 'waiting', idempotencyKey: call.key } };
      const { texts } = await inference.readInput(id, input).catch(() => UNREAD);
      return { status: 200, told: tellAnswer(question, answer, texts) };
    } finally {
      waiting--;
    }
  }

  const infer =
    (guard: (request: IncomingMessage) => Spender): Routes[string] =>
    async (request, response) => {
      limit(asks, request);
      const by = guard(request);
      requireJson(request);
      const { key } = callKey(request);
      const body = parseAsk(await readBody(request, BODY_BYTES_MAX), request);
      const gone = new AbortController();
      response.on('close', () => gone.abort());
      const { status, told } = await answerTo(body, { key, by }, gone.signal);
      sendJson(response, status, told);
    };

  const reading =
    (read: (request: IncomingMessage) => Promise<object>): Routes[string] =>
    async (request, response) => {
      limit(reads, request);
      sendJson(response, 200, await read(request));
    };
  const toldModel = async (model: NamedModel): Promise<object> =>
    tellModel(model, await priceOf(model));

  const openAi = openAiRoutes({
    inference,
    askPaid,
    answerer,
    isHere,
    callers,
    priceMaxOf: async (request, model) => priceMaxOf(priceSaid(request), model),
  });

  const routes = (guardSpending: (request: IncomingMessage) => Spender): Routes => ({
    'GET /v1/models': reading(async () => ({
      object: 'list',
      data: await Promise.all(inference.models().map(toldModel)),
    })),
    'GET /v1/models/*': reading(async (request) => {
      const asked = lastPart(request.url ?? '');
      const model = await inference.find(placeOf(request, asked).name);
      return { ...(await toldModel(model)), id: asked };
    }),
    'GET /openapi.json': reading(async () => OPEN_API),
    'GET /llms.txt': (_, response) => send(response, 200, 'text/plain; charset=utf-8', LLMS_TXT),
    'POST /v1/infer': infer(guardSpending),
    ...openAi(guardSpending),
  });

  const rpc = routes((request) => (LOOPBACK.test(rpcHost) ? OPERATOR : requireKey(request)));
  return {
    page: routes(requireKey),
    // First of all: what a page of any site makes its browser send counts as no call of this machine.
    rpc: mapRoutes(rpc, (route) => (request, response) => {
      guardLoopback(request, rpcHost);
      return route(request, response);
    }),
  };
}

/** Header with the price, where a body has no field for it. @throws AppError BODY_MALFORMED */
function priceSaid({ headers }: IncomingMessage): bigint | undefined {
  const said = headers[PRICE_HEADER];
  return said === undefined ? undefined : BigInt(checked(Amount, said, PRICE_HEADER));
}

function lastPart(url: string): string {
  const [path = ''] = url.split('?');
  try {
    return decodeURIComponent(path.slice(path.lastIndexOf('/') + 1));
  } catch {
    throw new AppError('NOT_FOUND', 'no model has such a name');
  }
}
