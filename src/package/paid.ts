/** Answers of others for pay: over a channel that is opened when it is first needed. */
import type {
  ChatMessage,
  ClientApi,
  ClientEvent,
  ModelInfo,
  PaidAnswer,
  Prepaid,
  Provider,
} from '../client/api.ts';
import {
  CHANNEL_LIFETIME,
  channelFor,
  createLost,
  isOfProvider,
  limitAtLeast,
  notWanted,
  requireWanted,
  TRIES_MAX,
  untilDeepEnough,
} from '../client/prepaid/buying.ts';
import {
  askOthers,
  conclusionOf,
  opinionOf,
  takesWhole,
} from '../client/prepaid/second-opinion.ts';
import { decode } from '../core/codec.ts';
import { Tx, type TxOf } from '../core/formats.ts';
import { ANSWER_TOKEN_BYTES, shapesOfInput, tokensMax, tokensRead } from '../core/manifest.ts';
import { costOf, pricedInput } from '../core/price.ts';
import { readRow, tokensFromBytes } from '../core/reading.ts';
import { concat, equal, fromHex, toHex } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import { encodeOptions, optionsOf, seedFromText } from '../miner/generator/options.ts';
import { buildChannel } from '../wallet/build.ts';
import type { PlainKey } from '../wallet/plain-key.ts';
import type { UnattendedApi } from '../wallet/vault/vault-api.ts';
import { answerOf } from './answer.ts';
import { requireAmount, requireOptions } from './given.ts';
import { createInbox } from './inbox.ts';
import { choosingOf, conversationOf, inputOf, modelCalled } from './models-here.ts';
import type {
  AskOptions,
  Bought,
  ChannelOptions,
  Paid,
  Verified,
  VerifyOptions,
} from './paid-api.ts';

/** Signs openings of channels, and vouches in them. */
export interface Purse extends UnattendedApi {
  newSigner(): Promise<Uint8Array>;
  /** @throws CHANNEL_FOREIGN, CHANNELS_FULL, CHANNELS_OVER */
  noteOpening(tx: TxOf<'channel'>): Promise<void>;
}

export interface PaidDeps {
  readonly api: ClientApi;
  on(listener: (event: ClientEvent) => void): () => void;
  readonly key: PlainKey | undefined;
  readonly purse: Purse | undefined;
  synced(): Promise<void>;
  /** Resolves when the chain has changed, or after `msMax`. @throws AppError STORE_CLOSED once the peer was stopped */
  nextHead(msMax: number): Promise<void>;
  /** Runs what takes a place among the transactions of the key, one after the other. @throws AppError BUSY */
  inTurn<T>(send: () => Promise<T>): Promise<T>;
}

/** Tokens of an answer for which nothing else is said. */
const TOKENS_UNASKED = 256;
/** ms in which somebody must offer a model: providers tell of themselves once a minute. */
const OFFER_MS = 120_000;
/** ms between two looks at the offers. */
const LOOK_MS = 1000;
/** Changes of the chain that a question waits for, where its channel must be deeper in it. */
const HEADS_MAX = 64;
/** ms after which one is tried again without a change. */
const HEAD_MS = 30_000;
/** Parts of an answer that wait: one has a token or more. */
const PARTS_MAX = 65_536;

interface Question {
  readonly model: ModelInfo;
  readonly input: Uint8Array;
  /** Units of the answer at most: tokens, or rows. */
  readonly units: number;
  /** Encoded, of a language model. */
  readonly chosen: Uint8Array;
}

/** Whom a question may go to. */
interface Choosing {
  /** nV for the answer at most. */
  readonly most: bigint | undefined;
  readonly tried: readonly Provider[];
  /** Aborted where nobody wants the answer any more. */
  readonly over: AbortSignal;
  mayAsk?(provider: Provider): boolean;
}

export function paidAnswers(deps: PaidDeps): Paid {
  const { api } = deps;
  /** Channels over which a question goes now, or is about to. */
  const taken = new Set<string>();

  async function questionOf(
    name: string | Uint8Array,
    said: string | readonly ChatMessage[],
    options: AskOptions,
  ): Promise<Question> {
    const model = await modelCalled(api, name);
    if (model.kind !== 'generator') {
      const texts = [said].flat().map((each) => (typeof each === 'string' ? each : each?.content));
      const input = await inputOf(api, model, texts);
      return { model, input, units: shapesOfInput(model, input).length, chosen: new Uint8Array() };
    }
    const input = await conversationOf(api, model, said);
    const { defaults } = await api.generation(model.id);
    const room = tokensMax(model) - tokensRead(model, input);
    const units = Math.min(options.maxTokens ?? TOKENS_UNASKED, room);
    const seed = options.seed === undefined ? {} : { seed: seedFromText(options.seed) };
    const wanted = optionsOf(defaults, { ...choosingOf(options), maxTokens: units, ...seed });
    return { model, input, units, chosen: encodeOptions(wanted) };
  }

  const costAt = ({ price }: Provider, { model, input, units }: Question): bigint =>
    costOf(pricedInput(price, model, input), units);

  /** The best one that was not tried; waits until there is one. @throws MODEL_UNOFFERED, PRICE_LOW */
  async function nextProvider(
    question: Question,
    { most, tried, over, mayAsk = () => true }: Choosing,
  ): Promise<Provider | undefined> {
    const until = Date.now() + OFFER_MS;
    for (;;) {
      requireWanted(over);
      const offered = (await api.providers(question.model.id)).filter(mayAsk);
      const left = offered.filter(({ key }) => !tried.some((one) => equal(one.key, key)));
      const fitting = left.find((each) => most === undefined || costAt(each, question) <= most);
      if (fitting || tried.length) return fitting;
      const [cheapest] = left.map((each) => costAt(each, question)).sort((a, b) => Number(a - b));
      if (cheapest !== undefined)
        throw new AppError('PRICE_LOW', `${most} nV; the answer may cost ${cheapest}`);
      if (Date.now() > until)
        throw new AppError('MODEL_UNOFFERED', `nobody offers ${question.model.name}`);
      await deps.nextHead(LOOK_MS);
    }
  }

  async function open(
    provider: Provider,
    cost: bigint,
    { limit, lifetime = CHANNEL_LIFETIME }: ChannelOptions,
  ): Promise<Prepaid> {
    const { key, purse } = keysOf(deps);
    await api.account(key.address);
    const { fees, spendable: _, ...base } = await api.prepare(key.address, undefined, 'channel');
    const unsigned = buildChannel(
      { ...base, from: key.publicKey, fee: fees.normal },
      {
        provider: provider.key,
        payee: provider.payee,
        signer: await purse.newSigner(),
        limit: limit ?? limitAtLeast(2n * cost),
        lifetime,
      },
    );
    const opening = decode(Tx, unsigned);
    if (opening.type === 'channel') await purse.noteOpening(opening);
    const { chain } = await api.status();
    return await api.openChannel(key.sign(chain.genesisId, unsigned), provider.peer);
  }

  /** A channel over which no other question of this program goes until it is left. */
  const take = (provider: Provider, cost: bigint, options: ChannelOptions): Promise<Prepaid> =>
    deps.inTurn(async () => {
      const wanted = { provider: provider.key, cost };
      const isFree = ({ id, isBusy }: Prepaid): boolean => !isBusy && !taken.has(toHex(id));
      const channel = await channelFor(api, wanted, isFree, () => open(provider, cost, options));
      taken.add(toHex(channel.id));
      return channel;
    });
  const leave = (channel: Uint8Array): void => void taken.delete(toHex(channel));

  /** Waits for the blocks that the provider wants to see on the channel. */
  async function askIn(
    channel: Uint8Array,
    provider: Provider,
    q: Question,
    over: AbortSignal,
  ): Promise<PaidAnswer> {
    const { price } = provider;
    const asked = { channel, model: q.model.id, input: q.input, options: q.chosen, most: q.units };
    const ask = (): Promise<PaidAnswer> => api.askPrepaid({ ...asked, price });
    return await untilDeepEnough(ask, () => deps.nextHead(HEAD_MS), HEADS_MAX, over);
  }

  /** Pieces of the text of one provider's answer, as they come. */
  async function* bought(
    provider: Provider,
    question: Question,
    options: AskOptions,
    over: AbortSignal,
  ): AsyncGenerator<string, Bought> {
    const { model } = question;
    const { id, spent } = await take(provider, costAt(provider, question), options);
    const parts = createInbox<Uint8Array>(PARTS_MAX);
    over.addEventListener('abort', () => parts.end(notWanted()));
    const off = deps.on((event) => {
      if (event.type === 'part' && equal(event.channel, id)) parts.push(event.bytes);
    });
    const asking = askIn(id, provider, question, over);
    asking.then(
      () => parts.end(),
      (error: unknown) => parts.end(AppError.from(error)),
    );
    let isWhole = false;
    try {
      const reader = tokenReader(api, model);
      for (let part = await parts.next(); part; part = await parts.next()) {
        const text = await reader.add(part);
        if (text) yield text;
      }
      const answer = await asking;
      const rest = reader.end();
      if (rest) yield rest;
      isWhole = true;
      const isBefore = ({ channel, n }: PaidAnswer) => n === answer.n - 1 && equal(channel, id);
      const paidBefore = (await api.answers()).find(isBefore)?.total ?? spent;
      const shared = await api.shareAnswer(id, answer.n);
      const text = await textOf(api, model, answer);
      return { text, cost: answer.total - paidBefore, answer, shared };
    } finally {
      off();
      if (!isWhole) await api.stopAsking(id).catch(() => undefined);
      leave(id);
    }
  }

  async function* asked(
    name: string | Uint8Array,
    said: string | readonly ChatMessage[],
    options: AskOptions,
    over: AbortSignal,
  ): AsyncGenerator<string, Bought> {
    keysOf(deps);
    requireOptions(options);
    requireChannel(options);
    const { most } = options;
    await deps.synced();
    const question = await questionOf(name, said, options);
    const tried: Provider[] = [];
    const wasLost = createLost();
    let failed: unknown;
    for (;;) {
      const isLast = tried.length >= TRIES_MAX;
      const provider = isLast ? undefined : await nextProvider(question, { most, tried, over });
      if (!provider) throw failed;
      const one = bought(provider, question, options, over);
      let isBegun = false;
      try {
        for (let next = await one.next(); ; next = await one.next()) {
          if (next.done) return next.value;
          isBegun = true;
          yield next.value;
        }
      } catch (error) {
        if (!isBegun && wasLost(error)) continue;
        // What another one would write does not go on from here.
        if (isBegun || !isOfProvider(error)) throw error;
        failed = error;
        tried.push(provider);
      } finally {
        await one.return(undefined as never);
      }
    }
  }

  /** Asks others the very same question. @throws ANSWER_DISPUTED, and as `ask` */
  async function verifiedByOthers(
    answer: PaidAnswer,
    options: VerifyOptions,
  ): Promise<Omit<Verified, 'answer'>> {
    keysOf(deps);
    requireChannel(options);
    const { most } = options;
    const { input, units, options: chosen, provider: sayer } = answer;
    if (!units) throw new AppError('ARGUMENT_REFUSED', 'an answer of nothing');
    await deps.synced();
    const model = await modelCalled(api, answer.model);
    const question = { model, input, units, chosen };
    const over = new AbortController().signal;
    const mayAsk = (one: Provider): boolean =>
      !equal(one.key, sayer) && takesWhole(one, answer, model);
    const opinions = await askOthers({
      opinions: [],
      next: (tried) => nextProvider(question, { most, tried, over, mayAsk }),
      async ask(provider) {
        for (const wasLost = createLost(); ;) {
          const { id } = await take(provider, costAt(provider, question), options);
          try {
            return opinionOf(answer, await askIn(id, provider, question, over), model);
          } catch (error) {
            await api.stopAsking(id).catch(() => undefined);
            if (!wasLost(error)) throw error;
          } finally {
            leave(id);
          }
        }
      },
    });
    const conclusion = conclusionOf(opinions);
    if (!conclusion)
      throw new AppError('ANSWER_DISPUTED', `${opinions.length} gave other answers, no two alike`);
    const by = conclusion.by.map(({ other }) => other);
    return { ...conclusion.by[0]!.check, by };
  }

  return {
    ask: (model, question, options = {}) =>
      answerOf((over) => asked(model, question, options, over)),
    async closeChannels() {
      for (const { id, state } of await api.channels())
        if (state !== 'over' && state !== 'closing') await api.closeChannel(id);
      while ((await api.channels()).some(({ state }) => state !== 'over'))
        await deps.nextHead(HEAD_MS);
    },
    async verify(shared, options = {}) {
      requireOptions(options);
      const bytes = typeof shared === 'string' ? fromHex(shared.trim()) : shared;
      if (!bytes) throw new AppError('ANSWER_MALFORMED', 'not hex digits');
      const answer = await api.readAnswer(bytes);
      if (options.byOthers) return { answer, ...(await verifiedByOthers(answer, options)) };
      return { answer, ...(await api.verifyAnswer(answer)), by: [] };
    },
  };
}

/** @throws AppError ARGUMENT_REFUSED */
function requireChannel(options: ChannelOptions): void {
  for (const what of ['most', 'limit'] as const)
    if (options[what] !== undefined) requireAmount(options[what], what);
}

/** @throws AppError SERVING_MISSING */
export function keysOf({ key, purse }: Pick<PaidDeps, 'key' | 'purse'>): {
  key: PlainKey;
  purse: Purse;
} {
  if (key && purse) return { key, purse };
  throw new AppError('SERVING_MISSING', 'createPila was given no key');
}

/** Reads tokens as they come; a letter may come in two parts, and half a one at the end. Others have no text. */
function tokenReader(api: ClientApi, model: ModelInfo) {
  const decoder = new TextDecoder();
  let left = new Uint8Array();
  return {
    async add(part: Uint8Array): Promise<string> {
      if (model.kind !== 'generator') return '';
      const bytes = concat(left, part);
      const whole = bytes.length - (bytes.length % ANSWER_TOKEN_BYTES);
      left = bytes.slice(whole);
      if (!whole) return '';
      const tokens = tokensFromBytes(bytes.subarray(0, whole));
      return decoder.decode(await api.textBytes(model.id, tokens), { stream: true });
    },
    /** What the whole answer ends with, too. */
    end: () => decoder.decode(),
  };
}

async function textOf(
  api: ClientApi,
  model: ModelInfo,
  { answer }: PaidAnswer,
): Promise<string | undefined> {
  if (model.kind === 'generator')
    return new TextDecoder().decode(await api.textBytes(model.id, tokensFromBytes(answer)));
  const row = Int8Array.from(answer.subarray(0, model.answerSize));
  return model.labels.length ? readRow(row, model.labels).label : undefined;
}
