/**
 * Asking for inference: on this node where the model is here, else over payment channels with its own coins, of the
 * best provider, over a channel that is opened when it is first needed and again when it is spent.
 */
import type { AskedPrepaid, PaidAnswer, Prepaid, PrepaidApi, Provider } from '../../client/api.ts';
import {
  CHANNEL_LIFETIME,
  channelFor,
  createLost,
  isOfProvider,
  limitAtLeast,
  requireWanted,
  TRIES_MAX,
  untilDeepEnough,
} from '../../client/prepaid/buying.ts';
import { encode } from '../../core/codec.ts';
import { SignedTx } from '../../core/formats.ts';
import { plainHash } from '../../core/hash.ts';
import { shapesOfInput, type Manifest } from '../../core/manifest.ts';
import { ACCOUNT_MIN } from '../../core/params.ts';
import { costOf, priceTypeOf, pricedInput } from '../../core/price.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { concat, equal, toHex, u32, utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import type { ServingKeys } from '../serving-file.ts';
import type { Sender } from '../seed/sender.ts';
import { hasShare, type AskedAt, type Spender, type Spendings } from './spending.ts';

/** Questions that wait for one provider, which answers one after the other in a channel. */
const ASKING_MAX = 32;
/** Questions that wait in all. */
const CALLS_MAX = 256;
/** Providers with questions that wait. */
const PROVIDERS_MAX = 64;
/** A channel sets aside so many times what its provider was paid before: keys are free, and one may refuse all. */
const LIMIT_TIMES_PAID = 16n;
/** Heads that a question waits for, where the provider wants the channel to be deeper in the chain. */
const HEADS_MAX = 8;

/** What is asked, with what it was read to be. */
export interface Question {
  readonly model: Uint8Array;
  readonly manifest: Manifest;
  readonly input: Uint8Array;
  /** nV for a sequence of the first shape at most; longer ones cost more by the same measure. */
  readonly priceMax: bigint;
  /** Else it moves with the chain, and whoever calls again asks the same. */
  readonly isPriceNamed: boolean;
  /** Where it is to be answered; undefined: here if the model is. */
  readonly place?: Place | undefined;
  /** Of a language model: encoded options, and tokens of the answer at most. */
  readonly tokens?: { readonly options: Uint8Array; readonly most: number };
  /** Strings that end the answer, which no provider is told: with others it is another question. */
  readonly stops?: readonly string[];
}

/** Where a question is answered: by this node, free, or by a provider, for pay. */
export const PLACES = ['device', 'network'] as const;
export type Place = (typeof PLACES)[number];

/** One call. */
export interface Call {
  /** Calls under one key are one question. */
  readonly key: string;
  readonly by: Spender;
  /** The answer's next bytes; not of a question that this call did not begin. */
  onPart?(bytes: Uint8Array): void;
  /** Nobody wants more of the answer: what has come is paid. */
  readonly signal?: AbortSignal;
}

export interface Answer {
  /** Rows of the input's sequences, or tokens. */
  readonly rows: Uint8Array;
  /** nV for it. */
  readonly cost: bigint;
  /** Undefined where this node's own model gave it. */
  readonly paid: PaidAnswer | undefined;
  /** In the form in which others check it (docs/protocol.md §9.2). */
  readonly shared: Uint8Array | undefined;
}

export interface PaidInferenceDeps {
  readonly prepaid: Pick<
    PrepaidApi,
    | 'providers'
    | 'channels'
    | 'openChannel'
    | 'closeChannel'
    | 'askPrepaid'
    | 'stopAsking'
    | 'answers'
    | 'shareAnswer'
  >;
  readonly keys: Pick<ServingKeys, 'newSigner' | 'noteOpening'>;
  readonly sender: Pick<Sender, 'send' | 'feeFor'>;
  readonly spendings: Spendings;
  /** nV of a new channel at most, unless one answer costs more. */
  readonly limit: bigint;
  /** @throws AppError RULES_ENDED where nothing is paid out any more */
  requireRules(): void;
  /** @throws AppError FUNDS_SHORT where the sender has less */
  requireFunds(nV: bigint): void;
  /** Further bytes of the answer to question `n` of a channel. @returns what ends it */
  listen(channel: Uint8Array, onPart: (n: number, bytes: Uint8Array) => void): () => void;
  /** Runs a model that is whole on this node; undefined: it is another. */
  own(model: Uint8Array): ((input: Uint8Array) => Promise<Uint8Array>) | undefined;
  nextHead(): Promise<void>;
}

/** Questions that wait for one provider. */
interface ProviderQueue {
  readonly tasks: SerialQueue;
  /** Ids of whose they are. */
  waiting: readonly Uint8Array[];
}

/** What a question under a key may cost, nV. */
interface SetAside extends Call {
  readonly content: Uint8Array;
  readonly cost: bigint;
  /** nV of so many of its units. */
  costOf(units: number): bigint;
}

/**
 * Asks once for each key, however often it is called. @throws AppError as PrepaidApi.askPrepaid, SPEND_LIMIT,
 * FUNDS_SHORT, RULES_ENDED, IDEMPOTENCY_REUSED, TX_REFUSED, BUSY, SENDER_BUSY, ANSWER_UNKNOWN (it was paid for,
 * and is kept no more), MODEL_MISSING (it is to be answered here, where the model is not whole), PASS_ABORTED
 */
export type AskPaid = (question: Question, call: Call) => Promise<Answer>;

export function createPaidInference(deps: PaidInferenceDeps): AskPaid {
  const { prepaid, spendings } = deps;
  const queues = new BoundedMap<string, ProviderQueue>(PROVIDERS_MAX);
  /** By key: calls that come together are one. */
  const asking = new Map<
    string,
    { readonly content: Uint8Array; readonly answer: Promise<Answer>; readonly by: Uint8Array }
  >();

  function queueOf(provider: Uint8Array): ProviderQueue {
    const name = toHex(provider);
    const queue = queues.get(name) ?? { tasks: new SerialQueue(ASKING_MAX, 'BUSY'), waiting: [] };
    queues.set(name, queue);
    return queue;
  }

  /** One after the other of those who ask this provider. @throws AppError BUSY */
  async function inTurn<T>(provider: Uint8Array, by: Spender, task: () => Promise<T>): Promise<T> {
    const queue = queueOf(provider);
    if (!hasShare(queue.waiting, by, ASKING_MAX))
      throw new AppError('BUSY', 'too many questions wait for this provider');
    queue.waiting = [...queue.waiting, by.id];
    try {
      return await queue.tasks.run(task);
    } finally {
      queue.waiting = queue.waiting.toSpliced(queue.waiting.indexOf(by.id), 1);
    }
  }

  const bought = async (paid: PaidAnswer, cost: bigint): Promise<Answer> => ({
    rows: paid.answer,
    cost,
    paid,
    shared: await prepaid.shareAnswer(paid.channel, paid.n).catch(() => undefined),
  });

  /** An answer may end before what it was set aside for. */
  async function settled(paid: PaidAnswer, aside: SetAside): Promise<Answer> {
    const { key, content, cost, by } = aside;
    const { channel, n, units } = paid;
    const spent = aside.costOf(units);
    if (spent < cost) await spendings.keep(key, content, spent, { channel, n, by });
    return bought(paid, spent);
  }

  const channelsWith = async (provider: Uint8Array): Promise<Prepaid[]> =>
    (await prepaid.channels()).filter((each) => equal(each.provider, provider));

  /** The best provider that was not tried, and whose channel no question blocks that was given up. */
  async function choose(
    { model, priceMax }: Question,
    tried: ReadonlySet<string>,
  ): Promise<Provider> {
    const all = await prepaid.providers(model);
    if (!all.length) throw new AppError('MODEL_UNOFFERED', 'no provider was heard lately');
    const cheap = all.filter(({ price }) => price.amount <= priceMax);
    if (!cheap.length)
      throw new AppError('PRICE_LOW', `${priceMax} nV; ${all[0]!.price.amount} are asked`);
    for (const provider of cheap.filter(({ key }) => !tried.has(toHex(key)))) {
      const isBlocked = (await channelsWith(provider.key)).some(owesAnswer);
      if (!isBlocked || queueOf(provider.key).waiting.length) return provider;
    }
    throw new AppError('BUSY', 'every provider owes an answer');
  }

  /** nV of a new channel: the first with a provider is small, since it takes weeks until an unused one is back. */
  function limitFor({ paid }: Provider, cost: bigint): bigint {
    const trusted = smaller(deps.limit, larger(ACCOUNT_MIN, LIMIT_TIMES_PAID * paid));
    return larger(trusted, limitAtLeast(cost));
  }

  /** Opens a channel that pays for `cost` nV. */
  async function open(provider: Provider, cost: bigint, by: Spender): Promise<Prepaid> {
    const { key, payee, peer } = provider;
    const limit = limitFor(provider, cost);
    const fee = deps.sender.feeFor('channel');
    deps.requireFunds(limit + fee);
    const release = spendings.reserve(fee, by);
    try {
      const signer = await deps.keys.newSigner();
      const fields = {
        provider: key,
        payee,
        signer,
        limit,
        lifetime: CHANNEL_LIFETIME,
        fee,
      } as const;
      let opened: Prepaid | undefined;
      await deps.sender.send({ type: 'channel', ...fields }, async (signed) => {
        const { tx } = signed;
        if (tx.type !== 'channel') throw new Error('not an opening');
        await deps.keys.noteOpening(tx);
        opened = await prepaid.openChannel(encode(SignedTx, signed), peer);
        const { id: channel } = opened;
        await spendings.keep(`opening ${toHex(channel)}`, signer, fee, { channel, n: 0, by });
      });
      return opened!;
    } finally {
      release();
    }
  }

  /** Keeps what is about to be asked, once a channel pays for it. `answers`: those before it in the channel. */
  async function setAside(
    provider: Provider,
    { key, content, cost, by }: SetAside,
  ): Promise<{ channel: Uint8Array; answers: number }> {
    const release = spendings.reserve(cost, by);
    try {
      const {
        id: channel,
        answers,
        isBusy,
      } = await channelFor(
        prepaid,
        { provider: provider.key, cost },
        // One that owes an answer keeps its question, and no other channel is opened beside it.
        () => true,
        () => open(provider, cost, by),
      );
      if (isBusy) throw new AppError('BUSY', 'this provider owes an answer');
      await spendings.keep(key, content, cost, { channel, n: answers + 1, by });
      return { channel, answers };
    } finally {
      release();
    }
  }

  /** Asks, and tells what comes until nobody wants more. */
  async function follow(
    asked: AskedPrepaid,
    n: number,
    { onPart, signal }: Call,
  ): Promise<PaidAnswer> {
    const { channel } = asked;
    const off = deps.listen(channel, (of, bytes) => {
      if (of === n) onPart?.(bytes);
    });
    const stop = (): void => void prepaid.stopAsking(channel).catch(() => undefined);
    signal?.addEventListener('abort', stop);
    try {
      const ask = (): Promise<PaidAnswer> => prepaid.askPrepaid(asked);
      return await untilDeepEnough(ask, () => deps.nextHead(), HEADS_MAX, signal);
    } finally {
      off();
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Of one provider after another, until one gives something. */
  async function buy(question: Question, call: Call, content: Uint8Array): Promise<Answer> {
    const tried = new Set<string>();
    let isBegun = false;
    const onPart = (bytes: Uint8Array): void => {
      isBegun = true;
      call.onPart?.(bytes);
    };
    const wasLost = createLost();
    let failure: unknown;
    for (let provider = await choose(question, tried); ;) {
      try {
        return await buyFrom(provider, question, { ...call, onPart }, content);
      } catch (error) {
        // What another one would write does not go on from what has come.
        if (isBegun || call.signal?.aborted) throw error;
        if (wasLost(error)) {
          await leave(call, content);
          continue;
        }
        if (!isOfProvider(error)) throw error;
        failure = error;
      }
      tried.add(toHex(provider.key));
      const isLast = tried.size >= TRIES_MAX;
      const next = isLast ? undefined : await choose(question, tried).catch(() => undefined);
      if (!next) throw failure;
      await leave(call, content);
      provider = next;
    }
  }

  /** What is asked of another one now: its provider is stopped, and what it may still cost stays counted. */
  async function leave({ key, by }: Call, content: Uint8Array): Promise<void> {
    const left = await spendings.find(key, content, by);
    if (!left) return;
    const { channel, n, cost } = left;
    await prepaid.stopAsking(channel).catch(() => undefined);
    await spendings.keep(`left ${toHex(channel)} ${n}`, content, cost, { channel, n, by });
    await spendings.drop(key, by);
  }

  function buyFrom(
    provider: Provider,
    question: Question,
    call: Call,
    content: Uint8Array,
  ): Promise<Answer> {
    const { model, input, manifest, tokens } = question;
    return inTurn(provider.key, call.by, async () => {
      requireWanted(call.signal);
      const { price } = provider;
      const most = unitsMax(question);
      const priced = pricedInput(price, manifest, input);
      const cost = costOf(priced, most);
      const aside = { ...call, content, cost, costOf: (units: number) => costOf(priced, units) };
      const { channel, answers } = await setAside(provider, aside);
      try {
        const asked = { channel, model, input, most, price, ...optionsOf(tokens) };
        return await settled(await follow(asked, answers + 1, call), aside);
      } catch (e) {
        const now = (await prepaid.channels()).find(({ id }) => equal(id, channel));
        // Nothing was asked, or nothing came: it costs nothing. Else the same key goes on with it.
        if (!now?.isBusy && now?.answers === answers) await spendings.drop(call.key, call.by);
        throw e;
      }
    });
  }

  /** For a key that was used before: what was paid for, or the rest of it. Undefined: it was never asked. */
  async function goOn(
    question: Question,
    { channel, n }: AskedAt,
    aside: SetAside,
  ): Promise<Answer | undefined> {
    const { model, input, manifest, tokens } = question;
    const kept = (await prepaid.answers()).find(
      (each) => each.n === n && equal(each.channel, channel),
    );
    if (kept) {
      // Else this node died before it asked, and another question took the place.
      const isOfIt = equal(kept.input, input) && equal(kept.model, model);
      return isOfIt ? bought(kept, aside.cost) : undefined;
    }
    const now = (await prepaid.channels()).find(({ id }) => equal(id, channel));
    if (!now || now.answers >= n) throw new AppError('ANSWER_UNKNOWN', 'it is kept no more');
    if (!now.isBusy) return undefined;
    const price = { type: priceTypeOf(manifest), amount: 0n };
    const most = unitsMax(question);
    const asked = { channel, model, input, most, price, ...optionsOf(tokens) };
    return settled(await prepaid.askPrepaid(asked), aside);
  }

  async function once(question: Question, call: Call, content: Uint8Array): Promise<Answer> {
    const before = await spendings.find(call.key, content, call.by);
    const again = before && {
      ...call,
      content,
      cost: before.cost,
      costOf: (units: number) => shareOf(before.cost, question, units),
    };
    const answer = before && (await goOn(question, before, again!));
    return answer ?? (await buy(question, call, content));
  }

  async function here(
    { manifest, input }: Question,
    run: (input: Uint8Array) => Promise<Uint8Array>,
  ): Promise<Answer> {
    const rows = (await run(input)).slice(0, rowsOf(manifest, input) * manifest.answerSize);
    return { rows, cost: 0n, paid: undefined, shared: undefined };
  }

  return async (question, call) => {
    const { model, input, priceMax, isPriceNamed, place, tokens, stops = [] } = question;
    const given = utf8(isPriceNamed ? `${priceMax}` : '');
    const options = tokens?.options ?? new Uint8Array();
    const ends = utf8(stops.length ? JSON.stringify(stops) : '');
    const content = plainHash(concat(model, u32(input.length), input, given, options, ends));
    const key = `${toHex(call.by.id)} ${call.key}`;
    const before = asking.get(key);
    if (before && !equal(before.content, content))
      throw new AppError('IDEMPOTENCY_REUSED', 'this Idempotency-Key came with another body');
    if (before) return before.answer;
    const taken = [...asking.values()].map(({ by }) => by);
    if (!hasShare(taken, call.by, CALLS_MAX)) throw new AppError('BUSY', 'too many questions wait');
    const run = place === 'network' ? undefined : deps.own(model);
    if (!run && place === 'device')
      throw new AppError('MODEL_MISSING', `${question.manifest.name} is not whole on this node`);
    if (!run) deps.requireRules();
    const asked = run ? here(question, run) : once(question, call, content);
    const answer = asked.finally(() => asking.delete(key));
    asking.set(key, { content, answer, by: call.by.id });
    return answer;
  };
}

/** Of a channel that ended within an answer, the rest does not come. */
const owesAnswer = ({ isBusy, state }: Prepaid): boolean =>
  isBusy && state !== 'closing' && state !== 'over';

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

const optionsOf = (tokens: Question['tokens']): { options?: Uint8Array } =>
  tokens ? { options: tokens.options } : {};

/** Of what the most units cost the part for so many, rounded up: where the price is not known any more. */
function shareOf(cost: bigint, question: Question, units: number): bigint {
  const { manifest, input } = question;
  const priced = pricedInput({ type: priceTypeOf(manifest), amount: 1000n }, manifest, input);
  const whole = costOf(priced, unitsMax(question));
  return (cost * costOf(priced, units) + whole - 1n) / whole;
}

/** Units of the answer at most. */
const unitsMax = ({ manifest, input, tokens }: Question): number =>
  tokens?.most ?? rowsOf(manifest, input);

/** Sequences that hold a part of the input, which are answered. */
const rowsOf = (manifest: Manifest, input: Uint8Array): number =>
  shapesOfInput(manifest, input).length;
