/**
 * Asking for inference over payment channels, with this node's own coins: by its own model where it mines with that
 * one, else the best provider, over a channel that is opened when it is first needed and again when it is spent.
 */
import type { PaidAnswer, Prepaid, PrepaidApi, Provider } from '../../client/api.ts';
import { encode } from '../../core/codec.ts';
import { SignedTx } from '../../core/formats.ts';
import { plainHash } from '../../core/hash.ts';
import { sequenceBytes, type Manifest } from '../../core/manifest.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { concat, equal, toHex, u32, utf8 } from '../../lib/bytes.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { AppError } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import type { ServingKeys } from '../serving-file.ts';
import type { Sender } from '../seed/sender.ts';
import type { Spendings } from './spending.ts';

/** nV of an opening's fee: ten times what a pool asks at least. */
const FEE = 10_000n;
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
/** Heads that a question waits for, where the provider wants the channel to be deeper in the chain. */
const HEADS_MAX = 8;
/** Refusals that a further block mends. */
const EARLY: ReadonlySet<ErrorCode> = new Set(['CHANNEL_SHALLOW', 'CHANNEL_UNSEEN']);

/** What is asked, with what it was read to be. */
export interface Question {
  readonly model: Uint8Array;
  readonly manifest: Manifest;
  readonly input: Uint8Array;
  /** nV for a sequence at most. */
  readonly priceMax: bigint;
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
  readonly sender: Pick<Sender, 'send'>;
  readonly spendings: Spendings;
  /** nV of a new channel. */
  readonly limit: bigint;
  /** @throws AppError FUNDS_SHORT where the sender has less */
  requireFunds(nV: bigint): void;
  /** Runs a model that this node mines with; undefined: it is another. */
  own(model: Uint8Array): ((input: Uint8Array) => Promise<Uint8Array>) | undefined;
  nextHead(): Promise<void>;
}

/**
 * Asks once for each key, however often it is called. @throws AppError as PrepaidApi.askPrepaid, SPEND_LIMIT,
 * FUNDS_SHORT, IDEMPOTENCY_REUSED, TX_REFUSED, BUSY, SENDER_BUSY, ANSWER_UNKNOWN (it was paid for, and is kept no more)
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
      const isBlocked = (await channelsWith(provider.key)).some(({ isBusy }) => isBusy);
      if (!isBlocked || queueOf(provider.key).size) return provider;
    }
    throw new AppError('BUSY', 'every provider owes an answer');
  }

  /** A channel that pays for `cost` nV more. */
  async function channelFor({ key, payee, peer }: Provider, cost: bigint): Promise<Prepaid> {
    const open = (await channelsWith(key)).filter(
      ({ state }) => state === 'open' || state === 'waiting',
    );
    const fitting = open.find(({ limit, spent }) => limit - spent >= cost);
    if (fitting) return fitting;
    // Its rest comes back, and the next one pays. Where nothing was paid, no close can be made: a smaller question fits.
    for (const { id, isBusy, spent } of open)
      if (!isBusy && spent > 0n) await prepaid.closeChannel(id);
    const needed = cost + CLOSE_MARGIN;
    const limit = deps.limit > needed ? deps.limit : needed;
    spendings.allow(cost + FEE);
    deps.requireFunds(limit + FEE);
    const signer = await deps.keys.newSigner();
    const fields = { provider: key, payee, signer, limit, lifetime: LIFETIME, fee: FEE } as const;
    let opened: Prepaid | undefined;
    await deps.sender.send({ type: 'channel', ...fields }, async (signed) => {
      const { tx } = signed;
      if (tx.type !== 'channel') throw new Error('not an opening');
      await deps.keys.noteOpening(tx);
      opened = await prepaid.openChannel(encode(SignedTx, signed), peer);
    });
    await spendings.keepAnswer(`opening ${toHex(opened!.id)}`, signer, FEE, {
      channel: opened!.id,
      n: 0,
    });
    return opened!;
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

  async function buy(question: Question, key: string, content: Uint8Array): Promise<Answer> {
    const { model, input, manifest } = question;
    const provider = await choose(question);
    return queueOf(provider.key).run(async () => {
      const most = rowsOf(manifest, input);
      const cost = provider.price.amount * BigInt(most);
      spendings.allow(cost);
      const { id: channel, answers, isBusy } = await channelFor(provider, cost);
      if (isBusy) throw new AppError('BUSY', 'this provider owes an answer');
      const n = answers + 1;
      await spendings.keepAnswer(key, content, cost, { channel, n });
      try {
        const { price } = provider;
        const asked = { channel, model, input, most, price };
        const paid = await untilDeepEnough(() => prepaid.askPrepaid(asked));
        return await bought(paid, price.amount * BigInt(paid.units));
      } catch (e) {
        failed.set(toHex(provider.key), Date.now());
        const now = (await prepaid.channels()).find(({ id }) => equal(id, channel));
        // Nothing was asked, or nothing came: it costs nothing. Else the same key goes on with it.
        if (!now?.isBusy && now?.answers === answers) await spendings.dropAnswer(key);
        throw e;
      }
    });
  }

  /** For a key that was used before: what was paid for, or the rest of it. Undefined: it was never asked. */
  async function goOn(
    { model, input, manifest }: Question,
    { channel, n, cost }: { channel: Uint8Array; n: number; cost: bigint },
  ): Promise<Answer | undefined> {
    const kept = (await prepaid.answers()).find(
      (each) => each.n === n && equal(each.channel, channel) && equal(each.input, input),
    );
    if (kept) return bought(kept, cost);
    const now = (await prepaid.channels()).find(({ id }) => equal(id, channel));
    if (!now || now.answers >= n) throw new AppError('ANSWER_UNKNOWN', 'it is kept no more');
    if (!now.isBusy) return undefined;
    const price = { type: 'sequence', amount: 0n } as const;
    const asked = { channel, model, input, most: rowsOf(manifest, input), price };
    return bought(await prepaid.askPrepaid(asked), cost);
  }

  async function once(question: Question, key: string, content: Uint8Array): Promise<Answer> {
    const before = await spendings.findAnswer(key, content);
    const answer = before && (await goOn(question, before));
    return answer ?? (await buy(question, key, content));
  }

  return async (question, key) => {
    const { model, input, manifest, priceMax } = question;
    const run = deps.own(model);
    if (run) {
      const rows = (await run(input)).slice(0, rowsOf(manifest, input) * manifest.answerSize);
      return { rows, cost: 0n, paid: undefined, shared: undefined };
    }
    const given = utf8(`channel ${priceMax}`);
    const content = plainHash(concat(model, u32(input.length), input, given));
    const before = asking.get(key);
    if (before && !equal(before.content, content))
      throw new AppError('IDEMPOTENCY_REUSED', 'this Idempotency-Key came with another body');
    if (before) return before.answer;
    if (asking.size >= CALLS_MAX) throw new AppError('BUSY', `${CALLS_MAX} questions wait`);
    const answer = once(question, key, content).finally(() => asking.delete(key));
    asking.set(key, { content, answer });
    return answer;
  };
}

/** Sequences that hold a part of the input, which are answered. */
const rowsOf = (manifest: Manifest, input: Uint8Array): number =>
  Math.max(1, Math.ceil(input.length / sequenceBytes(manifest)));
