/**
 * Asking for inference over payment channels, with this node's own coins: by its own model where it mines with that
 * one, else the best provider, over a channel that is opened when it is first needed and again when it is spent.
 */
import type { PaidAnswer, Prepaid, PrepaidApi, Provider } from '../../client/api.ts';
import { encode } from '../../core/codec.ts';
import { SignedTx } from '../../core/formats.ts';
import { plainHash } from '../../core/hash.ts';
import { shapesOfInput, type Manifest } from '../../core/manifest.ts';
import { ACCOUNT_MIN } from '../../core/params.ts';
import { costOf, pricedInput } from '../../core/price.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { concat, equal, toHex, u32, utf8 } from '../../lib/bytes.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { AppError } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import type { ServingKeys } from '../serving-file.ts';
import type { Sender } from '../seed/sender.ts';
import type { AskedAt, Spendings } from './spending.ts';

/** Blocks after which what is left of a channel comes back by itself. */
const LIFETIME = 10_080;
/** Questions that wait for one provider, which answers one after the other in a channel. */
const ASKING_MAX = 32;
/** Questions that wait in all. */
const CALLS_MAX = 256;
/** Providers with questions that wait, and those that gave nothing lately. */
const PROVIDERS_MAX = 64;
/** ms for which one that gave nothing comes after all others. */
const FAILED_MS = 600_000;
/** nV above an answer's cost, for the close: where a limit has no room for it, a provider refuses the channel. */
const CLOSE_MARGIN = 100_000n;
/** A channel sets aside so many times what its provider was paid before: keys are free, and one may refuse all. */
const LIMIT_TIMES_PAID = 16n;
/** Heads that a question waits for, where the provider wants the channel to be deeper in the chain. */
const HEADS_MAX = 8;
/** Refusals that a further block mends. */
const EARLY: ReadonlySet<ErrorCode> = new Set(['CHANNEL_SHALLOW', 'CHANNEL_UNSEEN']);

/** What is asked, with what it was read to be. */
export interface Question {
  readonly model: Uint8Array;
  readonly manifest: Manifest;
  readonly input: Uint8Array;
  /** nV for a sequence of the first shape at most; longer ones cost more by the same measure. */
  readonly priceMax: bigint;
  /** Else it moves with the chain, and whoever calls again asks the same. */
  readonly isPriceNamed: boolean;
}

export interface Answer {
  /** Rows of the input's sequences. */
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
  /** Runs a model that this node mines with; undefined: it is another. */
  own(model: Uint8Array): ((input: Uint8Array) => Promise<Uint8Array>) | undefined;
  nextHead(): Promise<void>;
}

/** What a question under a key may cost, nV, for so many rows. */
interface SetAside {
  readonly key: string;
  readonly content: Uint8Array;
  readonly cost: bigint;
  readonly most: number;
}

/**
 * Asks once for each key, however often it is called. @throws AppError as PrepaidApi.askPrepaid, SPEND_LIMIT,
 * FUNDS_SHORT, RULES_ENDED, IDEMPOTENCY_REUSED, TX_REFUSED, BUSY, SENDER_BUSY, ANSWER_UNKNOWN (it was paid for,
 * and is kept no more)
 */
export type AskPaid = (question: Question, key: string) => Promise<Answer>;

export function createPaidInference(deps: PaidInferenceDeps): AskPaid {
  const { prepaid, spendings } = deps;
  const queues = new BoundedMap<string, SerialQueue>(PROVIDERS_MAX);
  /** ms since 1970 when a provider gave nothing for a question. */
  const failed = new BoundedMap<string, number>(PROVIDERS_MAX);
  /** By key: calls that come together are one. */
  const asking = new Map<
    string,
    { readonly content: Uint8Array; readonly answer: Promise<Answer> }
  >();

  function queueOf(provider: Uint8Array): SerialQueue {
    const name = toHex(provider);
    const queue = queues.get(name) ?? new SerialQueue(ASKING_MAX, 'BUSY');
    queues.set(name, queue);
    return queue;
  }

  const bought = async (paid: PaidAnswer, cost: bigint): Promise<Answer> => ({
    rows: paid.answer,
    cost,
    paid,
    shared: await prepaid.shareAnswer(paid.channel, paid.n).catch(() => undefined),
  });

  /** An answer may end before what it was set aside for. */
  async function settled(
    paid: PaidAnswer,
    { key, content, cost, most }: SetAside,
  ): Promise<Answer> {
    const { channel, n, units } = paid;
    const spent = (cost * BigInt(units)) / BigInt(most);
    if (spent < cost) await spendings.keep(key, content, spent, { channel, n });
    return bought(paid, spent);
  }

  const channelsWith = async (provider: Uint8Array): Promise<Prepaid[]> =>
    (await prepaid.channels()).filter((each) => equal(each.provider, provider));

  /** The best provider whose channel no question blocks that was given up. */
  async function choose({ model, priceMax }: Question): Promise<Provider> {
    const all = await prepaid.providers(model);
    if (!all.length) throw new AppError('MODEL_UNOFFERED', 'no provider was heard lately');
    const cheap = all.filter(({ price }) => price.amount <= priceMax);
    if (!cheap.length)
      throw new AppError('PRICE_LOW', `${priceMax} nV; ${all[0]!.price.amount} are asked`);
    // Anybody can offer at the lowest price and refuse each question.
    const hasFailed = ({ key }: Provider): boolean =>
      Date.now() - (failed.get(toHex(key)) ?? -Infinity) < FAILED_MS;
    const inOrder = cheap.toSorted((a, b) => Number(hasFailed(a)) - Number(hasFailed(b)));
    for (const provider of inOrder) {
      const isBlocked = (await channelsWith(provider.key)).some(owesAnswer);
      if (!isBlocked || queueOf(provider.key).size) return provider;
    }
    throw new AppError('BUSY', 'every provider owes an answer');
  }

  /** nV of a new channel: the first with a provider is small, since it takes weeks until an unused one is back. */
  function limitFor({ paid }: Provider, cost: bigint): bigint {
    const trusted = smaller(deps.limit, larger(ACCOUNT_MIN, LIMIT_TIMES_PAID * paid));
    return larger(trusted, cost + CLOSE_MARGIN);
  }

  /** A channel that pays for `cost` nV more. */
  async function channelFor(provider: Provider, cost: bigint): Promise<Prepaid> {
    const { key, payee, peer } = provider;
    const open = (await channelsWith(key)).filter(
      ({ state }) => state === 'open' || state === 'waiting',
    );
    const fitting = open.find(({ limit, spent }) => limit - spent >= cost);
    if (fitting) return fitting;
    // Its rest comes back, and the next one pays. Where nothing was paid, no close can be made: a smaller question fits.
    for (const { id, isBusy, spent } of open)
      if (!isBusy && spent > 0n) await prepaid.closeChannel(id);
    const limit = limitFor(provider, cost);
    const fee = deps.sender.feeFor('channel');
    deps.requireFunds(limit + fee);
    const release = spendings.reserve(fee);
    try {
      const signer = await deps.keys.newSigner();
      const fields = { provider: key, payee, signer, limit, lifetime: LIFETIME, fee } as const;
      let opened: Prepaid | undefined;
      await deps.sender.send({ type: 'channel', ...fields }, async (signed) => {
        const { tx } = signed;
        if (tx.type !== 'channel') throw new Error('not an opening');
        await deps.keys.noteOpening(tx);
        opened = await prepaid.openChannel(encode(SignedTx, signed), peer);
        const { id: channel } = opened;
        await spendings.keep(`opening ${toHex(channel)}`, signer, fee, { channel, n: 0 });
      });
      return opened!;
    } finally {
      release();
    }
  }

  async function untilDeepEnough(ask: () => Promise<PaidAnswer>): Promise<PaidAnswer> {
    for (let heads = 0; ; heads++) {
      try {
        return await ask();
      } catch (e) {
        if (heads >= HEADS_MAX || !EARLY.has(AppError.from(e).code)) throw e;
      }
      await deps.nextHead();
    }
  }

  /** Keeps what is about to be asked, once a channel pays for it. `answers`: those before it in the channel. */
  async function setAside(
    provider: Provider,
    { key, content, cost }: SetAside,
  ): Promise<{ channel: Uint8Array; answers: number }> {
    const release = spendings.reserve(cost);
    try {
      const { id: channel, answers, isBusy } = await channelFor(provider, cost);
      if (isBusy) throw new AppError('BUSY', 'this provider owes an answer');
      await spendings.keep(key, content, cost, { channel, n: answers + 1 });
      return { channel, answers };
    } finally {
      release();
    }
  }

  async function buy(question: Question, key: string, content: Uint8Array): Promise<Answer> {
    const { model, input, manifest } = question;
    const provider = await choose(question);
    return queueOf(provider.key).run(async () => {
      const most = rowsOf(manifest, input);
      const cost = costOf(pricedInput(provider.price, manifest, input), most);
      const { channel, answers } = await setAside(provider, { key, content, cost, most });
      try {
        const { price } = provider;
        const asked = { channel, model, input, most, price };
        const paid = await untilDeepEnough(() => prepaid.askPrepaid(asked));
        return await settled(paid, { key, content, cost, most });
      } catch (e) {
        failed.set(toHex(provider.key), Date.now());
        const now = (await prepaid.channels()).find(({ id }) => equal(id, channel));
        // Nothing was asked, or nothing came: it costs nothing. Else the same key goes on with it.
        if (!now?.isBusy && now?.answers === answers) await spendings.drop(key);
        throw e;
      }
    });
  }

  /** For a key that was used before: what was paid for, or the rest of it. Undefined: it was never asked. */
  async function goOn(
    { model, input }: Question,
    { channel, n }: AskedAt,
    aside: SetAside,
  ): Promise<Answer | undefined> {
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
    const price = { type: 'sequence', amount: 0n } as const;
    const asked = { channel, model, input, most: aside.most, price };
    return settled(await prepaid.askPrepaid(asked), aside);
  }

  async function once(question: Question, key: string, content: Uint8Array): Promise<Answer> {
    const before = await spendings.find(key, content);
    const most = rowsOf(question.manifest, question.input);
    const answer =
      before && (await goOn(question, before, { key, content, cost: before.cost, most }));
    return answer ?? (await buy(question, key, content));
  }

  async function here(
    { manifest, input }: Question,
    run: (input: Uint8Array) => Promise<Uint8Array>,
  ): Promise<Answer> {
    const rows = (await run(input)).slice(0, rowsOf(manifest, input) * manifest.answerSize);
    return { rows, cost: 0n, paid: undefined, shared: undefined };
  }

  return async (question, key) => {
    const { model, input, priceMax, isPriceNamed } = question;
    const given = utf8(isPriceNamed ? `${priceMax}` : '');
    const content = plainHash(concat(model, u32(input.length), input, given));
    const before = asking.get(key);
    if (before && !equal(before.content, content))
      throw new AppError('IDEMPOTENCY_REUSED', 'this Idempotency-Key came with another body');
    if (before) return before.answer;
    if (asking.size >= CALLS_MAX) throw new AppError('BUSY', `${CALLS_MAX} questions wait`);
    const run = deps.own(model);
    if (!run) deps.requireRules();
    const asked = run ? here(question, run) : once(question, key, content);
    const answer = asked.finally(() => asking.delete(key));
    asking.set(key, { content, answer });
    return answer;
  };
}

/** Of a channel that ended within an answer, the rest does not come. */
const owesAnswer = ({ isBusy, state }: Prepaid): boolean =>
  isBusy && state !== 'closing' && state !== 'over';

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Sequences that hold a part of the input, which are answered. */
const rowsOf = (manifest: Manifest, input: Uint8Array): number =>
  shapesOfInput(manifest, input).length;
