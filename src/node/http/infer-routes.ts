/** `/v1`: quotes, requests, receipts, and answers over channels as JSON. Amounts are nV as decimal text, bytes are hex. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Answered, InputReading, Receipt } from '../../client/api.ts';
import type { ChainNetwork } from '../../client/models/networks.ts';
import { formatAddress } from '../../core/address.ts';
import { inputBytesMax, sequenceBytes, unitMacs, type Manifest } from '../../core/manifest.ts';
import { cosine, NONE, readEmbedding, readRow, usedRows } from '../../core/reading.ts';
import { fromHex, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { networkOf } from '../../net/address-rate.ts';
import { RateLimiter } from '../../net/rate.ts';
import { AMOUNT_MAX } from '../../wallet/amount.ts';
import type { KeyGuard } from './api-key.ts';
import type { Callers } from './caller.ts';
import { guardLoopback, LOOPBACK, readBody, requireJson, sendJson, type Routes } from './http.ts';
import type { Answer, AskPaid, Question } from './paid-inference.ts';
import { reached, type Asked, type Inference, type Priced, type Wanted } from './inference.ts';

/** Most bytes of a request's body: an input of 4096 bytes as hex, and some room. */
const BODY_BYTES_MAX = 16 * 1024;
/** Most ms that a call may wait, and the ms that it waits when it does not say. */
const WAIT_MS_MAX = 600_000;
const WAIT_MS = 60_000;
/** Calls that may wait at once. */
export const WAITING_MAX = 32;
/** Calls from one address. */
export const READ_RATE = { perSecond: 20, burst: 100 };
export const ASK_RATE = { perSecond: 1, burst: 20 };

const WANTED: readonly Wanted[] = ['none', 'answer', 'confirmed', 'paid'];
const malformed = (message: string): AppError => new AppError('BODY_MALFORMED', message);

interface AskBody extends Asked {
  readonly wanted: Wanted;
  readonly waitMs: number;
  /** By a request in a block, or over a payment channel. */
  readonly over: 'request' | 'channel';
  /** nV for a sequence at most, over a channel. */
  readonly price: bigint | undefined;
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
    reward,
    over = 'request',
    price,
    wait,
    timeoutMs = WAIT_MS,
    ...more
  } = body as Record<string, unknown>;
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) throw malformed(`there is no field ${unknown.slice(0, 32)}`);
  if (typeof model !== 'string') throw malformed('model is the name of a model');
  const way = wayOf(over, { reward, wait, price });
  const wholeMs = Number.isSafeInteger(timeoutMs) && (timeoutMs as number) >= 0;
  if (!wholeMs || (timeoutMs as number) > WAIT_MS_MAX)
    throw malformed(`timeoutMs is a whole number up to ${WAIT_MS_MAX}`);
  return {
    model,
    input: inputOf(input, inputHex),
    reward: amountOf('reward', reward),
    waitMs: timeoutMs as number,
    price: amountOf('price', price),
    ...way,
  };
}

/** How it is asked, and until when a request is waited for: a field of the other way is a mistake. */
function wayOf(
  over: unknown,
  { reward, wait, price }: Record<'reward' | 'wait' | 'price', unknown>,
): Pick<AskBody, 'over' | 'wanted'> {
  if (over !== 'request' && over !== 'channel') throw malformed('over is request or channel');
  const foreign = over === 'channel' ? { reward, wait } : { price };
  for (const [name, value] of Object.entries(foreign))
    if (value !== undefined) throw malformed(`there is no ${name} over a ${over}`);
  const wanted = WANTED.find((each) => each === (wait ?? 'answer'));
  if (!wanted) throw malformed(`wait is one of ${WANTED.join(', ')}`);
  return { over, wanted };
}

function inputOf(text: unknown, hex: unknown): Asked['input'] {
  const texts = Array.isArray(text) ? text : [text];
  if (hex === undefined && texts.length && texts.every((x) => typeof x === 'string')) {
    if (texts.some((x) => !x.trim())) throw malformed('a text of input is empty');
    return texts;
  }
  const bytes = typeof hex === 'string' && text === undefined ? fromHex(hex) : undefined;
  if (!bytes) throw malformed('give either input (a text, or a list of texts) or inputHex');
  return bytes;
}

function amountOf(name: string, text: unknown): bigint | undefined {
  if (text === undefined) return undefined;
  if (typeof text !== 'string' || !/^\d{1,20}$/.test(text) || BigInt(text) > AMOUNT_MAX)
    throw malformed(`${name} is nV as decimal text`);
  return BigInt(text);
}

/** The meaning of an answer's rows: labels, `none` where the model is unsure; or embeddings and their similarity. */
function tellRows(answer: Uint8Array, input: Uint8Array, m: Manifest): object {
  if (answer.length !== (m.sequences - 1) * m.answerSize) return { labels: [] };
  const size = { answerSize: m.answerSize, sequenceBytes: sequenceBytes(m) };
  return tellRead(usedRows(answer, input, size), m);
}

/** The same of the rows alone, as they come over a channel. */
function tellPaidRows(rows: Uint8Array, { answerSize, ...m }: Manifest): object {
  const cut = Array.from({ length: Math.floor(rows.length / answerSize) }, (_, i) =>
    Int8Array.from(rows.subarray(i * answerSize, (i + 1) * answerSize)),
  );
  return tellRead(cut, m);
}

function tellRead(rows: readonly Int8Array[], m: Pick<Manifest, 'labels'>): object {
  if (m.labels.length) return { labels: rows.map((row) => readRow(row, m.labels).label ?? NONE) };
  const embeddings = rows.map(readEmbedding);
  return {
    labels: [],
    embeddings: embeddings.map(({ values, scale }) => ({ values: [...values], scale })),
    cosines: embeddings.map((a) => embeddings.map((b) => cosine(a, b))),
  };
}

/** An answer over a channel, or by this node's own model. */
function tellAnswer(
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
    answers: [{ answerHex: toHex(rows), ...tellPaidRows(rows, manifest) }],
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

export async function describeReceipt(
  receipt: Receipt,
  network: ChainNetwork,
  readInput: Inference['readInput'],
): Promise<object> {
  const { prefix } = network.params;
  const model = network.models.get(toHex(receipt.modelId));
  const id = toHex(receipt.id);
  const tellAnswer = ({ payee, answer, claim, result }: Answered) => ({
    payee: formatAddress(payee, prefix),
    answerHex: toHex(answer),
    ...(model ? tellRows(answer, receipt.input, model) : { labels: [] }),
    confirmed: result !== undefined,
    claim: claim ?? null,
    result: result ?? null,
  });
  const { paid } = receipt;
  // Anybody can put an input on the chain: that it cannot be read must not hide the receipt.
  const { texts } = await readInput(receipt.modelId, receipt.input).catch(() => UNREAD);
  return {
    state: receipt.state,
    model: receipt.model ?? null,
    modelId: toHex(receipt.modelId),
    asker: formatAddress(receipt.asker, prefix),
    inputHex: toHex(receipt.input),
    ...(texts && { texts }),
    reward: String(receipt.reward),
    fee: receipt.fee === undefined ? null : String(receipt.fee),
    requested: receipt.requested ?? null,
    expiry: receipt.expiry ?? null,
    settle: receipt.settle ?? null,
    answers: receipt.answers.map(tellAnswer),
    paid: paid ? { payee: formatAddress(paid.payee, prefix), amount: String(paid.amount) } : null,
    ...pathsOf(id),
  };
}

/** What is known of a request in any case. */
const pathsOf = (id: string): { id: string; receipt: string; page: string } => ({
  id,
  receipt: `/v1/receipt/${id}`,
  page: `/#/receipt/${id}`,
});

const tellModel = (name: string, manifest: Manifest, id: Uint8Array): object => ({
  name,
  id: toHex(id),
  labels: manifest.labels,
  inputBytesMax: inputBytesMax(manifest),
  packing: manifest.packing,
  tokenizerBytes: manifest.tokenizer?.size ?? 0,
  sequenceBytes: sequenceBytes(manifest),
  answerSize: manifest.answerSize,
  macs: String(unitMacs(manifest)),
});

const tellQuote = ({ name, minimum, subsidyPerPass, manifest }: Priced, fee: bigint): object => ({
  model: name,
  minimum: String(minimum),
  fee: String(fee),
  subsidyPerPass: String(subsidyPerPass),
  kappaJob64: manifest.kappaJob64,
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

export interface InferAccess {
  readonly rpcHost: string;
  readonly callers: Callers;
  readonly requireKey: KeyGuard;
}

export function inferRoutes(
  inference: Inference,
  network: ChainNetwork,
  { rpcHost, callers, requireKey, askPaid }: InferAccess & { readonly askPaid: AskPaid },
): InferRoutes {
  const reads = new RateLimiter(READ_RATE);
  const asks = new RateLimiter(ASK_RATE);
  let waiting = 0;
  const describe = (receipt: Receipt) => describeReceipt(receipt, network, inference.readInput);

  const limit = (rate: RateLimiter, request: IncomingMessage): void => {
    if (!rate.take(networkOf(callers.of(request)), 1, Date.now()))
      throw new AppError('RATE_LIMIT', 'too many calls from this address');
  };
  const queryOf = (request: IncomingMessage) =>
    new URL(request.url ?? '/', 'http://localhost').searchParams;

  /** Waits for a request that was sent. Beyond WAITING_MAX callers it returns the present receipt at once. */
  async function waitFor(id: Uint8Array, { wanted, waitMs }: AskBody, gone: AbortSignal) {
    const signal = AbortSignal.any([gone, AbortSignal.timeout(waitMs)]);
    const full = waiting >= WAITING_MAX;
    waiting++;
    try {
      return await inference.wait(id, full ? 'none' : wanted, signal);
    } finally {
      waiting--;
    }
  }

  async function tell(id: Uint8Array, body: AskBody, gone: AbortSignal) {
    const receipt = await waitFor(id, body, gone);
    if (!receipt) throw new AppError('NOT_FOUND', 'the request is not known any more');
    const status = reached(receipt, body.wanted) ? 200 : 202;
    return { status, receipt: await describe(receipt) };
  }

  /** Waits for an answer over a channel; the question goes on without its caller. */
  async function askOver(body: AskBody, key: string, gone: AbortSignal) {
    const { priced, input } = await inference.read(body);
    const { id: model, manifest, minimum } = priced;
    const question = { model, manifest, input, priceMax: body.price ?? minimum };
    const asked = askPaid(question, key);
    const signal = AbortSignal.any([
      gone,
      AbortSignal.timeout(waiting >= WAITING_MAX ? 0 : body.waitMs),
    ]);
    waiting++;
    try {
      const answer = await Promise.race([asked, aborted(signal)]);
      if (!answer) return { status: 202, told: { state: 'waiting', idempotencyKey: key } };
      const { texts } = await inference.readInput(model, input).catch(() => UNREAD);
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
      if (body.over === 'channel') {
        const { status, told } = await askOver(body, key, gone.signal);
        return sendJson(response, status, told);
      }
      const id = await inference.ask(body, key);
      // From here it is paid for: whatever else happens, the caller hears of it and gets its id.
      const told = await tell(id, body, gone.signal).catch((error: unknown) => {
        const { code } = AppError.from(error);
        return { status: 202, receipt: Object.assign(pathsOf(toHex(id)), { problem: code }) };
      });
      sendJson(response, told.status, told.receipt);
    };

  const reading =
    (guard: (request: IncomingMessage) => void, read: (r: IncomingMessage) => unknown) =>
    async (...[request, response]: Parameters<Routes[string]>): Promise<void> => {
      guard(request);
      limit(reads, request);
      sendJson(response, 200, await read(request));
    };

  const routes = (
    guardRead: (request: IncomingMessage) => void,
    guardSpending: (request: IncomingMessage) => void,
  ): Routes => ({
    'GET /v1/models': reading(guardRead, () => ({
      models: inference.names.map((name) => {
        const { manifest, id } = inference.quote(name);
        return tellModel(name, manifest, id);
      }),
    })),
    'GET /v1/quote': reading(guardRead, (request) =>
      tellQuote(inference.quote(queryOf(request).get('model') ?? ''), inference.fee),
    ),
    'GET /v1/receipt/*': reading(guardRead, async (request) => {
      const path = (request.url ?? '').split('?')[0]!;
      const id = fromHex(path.slice(path.lastIndexOf('/') + 1), 32);
      const receipt = id && (await inference.receipt(id));
      if (!receipt) throw new AppError('NOT_FOUND', 'no such request');
      return describe(receipt);
    }),
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
