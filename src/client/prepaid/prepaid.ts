/**
 * Prepaid answers, the asker's side (PrepaidApi): channels that this device opened, whom it asks, and the answers that
 * it keeps. A light client and a seed run the same; what differs is how an opening is submitted and a model run.
 */
import type { Store } from '../../chain/store/store.ts';
import { priceTypeOf, pricedInput } from '../../core/price.ts';
import { OPTIONS_BYTES_MAX } from '../../core/channel.ts';
import { tryDecode } from '../../core/codec.ts';
import { SignedOpening } from '../../core/formats.ts';
import {
  inputTokens,
  isGenerator,
  tokensMax,
  tokensRead,
  unitBytesOf,
  unitShape,
  type Manifest,
} from '../../core/manifest.ts';
import type { Offer } from '../../core/offer.ts';
import { tokensFromBytes } from '../../core/reading.ts';
import { txId } from '../../core/tx/tx.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { AppError, assert } from '../../lib/errors.ts';
import type { AnswerClaim } from '../../miner/engine/miner-api.ts';
import type { Verdict } from '../../miner/generator/answer.ts';
import type { Transport } from '../../net/transport.ts';
import type { UnattendedApi } from '../../wallet/vault/vault-api.ts';
import type {
  AnswerCheck,
  AskedPrepaid,
  ClientEvent,
  PaidAnswer,
  Prepaid,
  PrepaidApi,
} from '../api.ts';
import { newAskerRecord, unitsOf, type AskerRecord } from '../channels/asker-record.ts';
import type { Asked } from '../channels/asker.ts';
import type { ChannelChain } from '../channels/channel-chain.ts';
import { openAskerStore } from '../channels/channel-store.ts';
import { openingOf } from '../channels/terms.ts';
import { AskedChannel, PATIENCE_MS, WAITS_MS } from './asked-channel.ts';
import { isOfProvider } from './buying.ts';
import { openKeptAnswers } from './kept-answers.ts';
import { openKnownProviders, type DistrustReason } from './known-providers.ts';
import {
  decodeAnswer,
  differenceAt,
  encodeAnswer,
  paidAnswerOf,
  requireSaid,
  saidOf,
  verdictByte,
  type KeptAnswer,
  type Said,
} from './paid-answer.ts';
import { providersOf } from './ranking.ts';

/** Providers that gave nothing, and ms for which they come after all others. */
const FAILED_MAX = 64;
const FAILED_MS = 600_000;

type OfferedModel = Offer['offer']['models'][number];

export interface PrepaidDeps {
  readonly chain: ChannelChain;
  /** Kept when the chain is rebuilt. */
  readonly store: Pick<Store, 'batch' | 'range'>;
  /** Undefined where there are no keys: nothing is opened or asked then. */
  readonly signers: UnattendedApi | undefined;
  readonly transport: Pick<Transport, 'ask'>;
  /** By their ids in hex. */
  readonly models: ReadonlyMap<string, Manifest>;
  /** Those heard lately. */
  offers(): readonly Offer[];
  /** Keeps an own opening and sends it. @throws AppError TX_REFUSED */
  submit(opening: Uint8Array): Promise<unknown>;
  /** Runs a model here. @throws AppError NO_MINER, MODEL_MISSING */
  execute(model: Uint8Array, input: Uint8Array): Promise<Uint8Array>;
  /** Checks tokens of a language model here. @throws AppError as `execute`, OPTION_MALFORMED, OPTION_RANGE */
  verifyTokens(claim: AnswerClaim): Promise<Verdict>;
  report(event: ClientEvent): void;
  nowMs(): number;
  /** ms before each try to reach a provider. */
  readonly waitsMs?: readonly number[];
  /** ms that a provider may take until the next part of an answer. */
  readonly patienceMs?: number;
}

export interface Prepaying {
  readonly api: PrepaidApi;
  /** The head has changed, or the client has started. */
  onHead(): void;
  /** An offer was heard: its provider may be there again. */
  onOffer(provider: Uint8Array): void;
  /** Whether it was paid from here, or a channel with it is open. */
  isKnown(provider: Uint8Array): boolean;
  /** Resolves when what `onHead` began is done. */
  idle(): Promise<void>;
  stop(): void;
}

export async function openPrepaid(deps: PrepaidDeps): Promise<Prepaying> {
  const { chain, models, report, nowMs } = deps;
  const genesis = chain.genesisId;
  const records = await openAskerStore(deps.store);
  const answers = await openKeptAnswers(deps.store);
  const known = await openKnownProviders(deps.store, nowMs);
  const channels = new Map<string, AskedChannel>();
  const reported = new Map<string, string>();
  /** ms since 1970 when a provider was away, refused or was silent. */
  const failed = new BoundedMap<string, number>(FAILED_MAX);

  const offerOf = (provider: Uint8Array): Offer['offer'] | undefined =>
    deps.offers().find(({ offer }) => equal(offer.provider, provider))?.offer;

  function peerOf(provider: Uint8Array): string | undefined {
    const offered = offerOf(provider)?.peer;
    return offered ? new TextDecoder().decode(offered) : known.peer(provider);
  }

  function signersHere(): UnattendedApi {
    if (deps.signers) return deps.signers;
    throw new AppError('SERVING_MISSING', 'no keys sign here');
  }

  async function keep(record: AskerRecord): Promise<PaidAnswer> {
    const before = answers.find(record.channel, record.n);
    if (before) return paidAnswerOf(before);
    const kept = keptFrom(record, nowMs());
    await answers.put(kept);
    const answer = paidAnswerOf(kept);
    report({ type: 'paid', answer });
    return answer;
  }

  /** An answer that could not be kept is in the record until the next question takes its place. */
  async function keepLast(record: AskerRecord): Promise<void> {
    if (record.current?.receipt && record.n > answers.kept(record.channel)) await keep(record);
  }

  /** Reports a channel if what is told of it has changed. */
  function note(channel: AskedChannel): void {
    const name = toHex(channel.id);
    const told = channel.describe();
    const line = lineOf(told);
    if (reported.get(name) === line) return;
    reported.set(name, line);
    report({ type: 'prepaid', channel: told });
  }

  /** In all its channels at once. @param where it was found out, which knows already */
  async function convict(
    provider: Uint8Array,
    reason: DistrustReason,
    where?: AskedChannel,
  ): Promise<void> {
    await known.distrust(provider, reason);
    for (const each of channelsWith(provider)) if (each !== where) void each.convict();
  }

  function run(record: AskerRecord, signers: UnattendedApi): AskedChannel {
    const channel: AskedChannel = new AskedChannel(record, {
      genesis,
      store: records,
      chain,
      signers,
      dial: deps.transport.ask ?? nobodyDials,
      peerOf,
      keep,
      isDistrusted: (provider) => known.isDistrusted(provider),
      distrust: (provider) => convict(provider, 'PROVIDER_FALSE', channel),
      ending: (ended) => known.addPaid(openingOf(ended).provider, ended.channel, ended.vouched),
      onPart: (id, n, bytes) => report({ type: 'part', channel: id, n, bytes }),
      onChange: () => note(channel),
      waitsMs: deps.waitsMs ?? WAITS_MS,
      patienceMs: deps.patienceMs ?? PATIENCE_MS,
    });
    channels.set(toHex(record.channel), channel);
    return channel;
  }

  function channelOf(id: Uint8Array): AskedChannel {
    signersHere();
    const channel = channels.get(toHex(id));
    if (channel) return channel;
    throw new AppError('CHANNEL_UNKNOWN', 'not opened here, or over');
  }

  const channelsWith = (provider: Uint8Array): AskedChannel[] =>
    [...channels.values()].filter(({ record }) => equal(openingOf(record).provider, provider));

  const paidTo = (provider: Uint8Array): bigint =>
    channelsWith(provider).reduce((sum, { record }) => sum + record.vouched, known.paid(provider));

  const gaveNothing = (provider: Uint8Array): boolean =>
    nowMs() - (failed.get(toHex(provider)) ?? -Infinity) < FAILED_MS;

  /** Notes who gave something, and who nothing. */
  async function noting<T>(provider: Uint8Array, work: Promise<T>): Promise<T> {
    try {
      const given = await work;
      failed.delete(toHex(provider));
      return given;
    } catch (error) {
      if (isOfProvider(error)) failed.set(toHex(provider), nowMs());
      throw error;
    }
  }

  /** Coins that are set aside with who is not there come back at the channel's end only. */
  async function requireThere(peer: string): Promise<void> {
    const dial = deps.transport.ask ?? nobodyDials;
    try {
      const stream = await dial(peer, () => ({ onFrame: async () => undefined, onGone() {} }));
      void stream.close().catch(() => undefined);
    } catch (cause) {
      throw new AppError('PROVIDER_GONE', 'not there: nothing was set aside', { cause });
    }
  }

  async function openChannel(bytes: Uint8Array, peer: string): Promise<Prepaid> {
    const opening = tryDecode(SignedOpening, bytes);
    if (!opening) throw new AppError('TX_MALFORMED', 'not a signed opening');
    const id = txId(genesis, opening.tx);
    const before = channels.get(toHex(id));
    if (before) return before.describe();
    const signers = signersHere();
    if (known.isDistrusted(opening.tx.provider))
      throw new AppError('PROVIDER_FALSE', 'it was convicted before');
    // Coins in a channel whose signer is another's would be another's.
    await signers.signVoucher(id, 0n);
    await noting(opening.tx.provider, requireThere(peer)).catch(async (error: unknown) => {
      await signers.channelEnded(id).catch(() => undefined);
      throw error;
    });
    await known.met(opening.tx.provider, peer);

    // Kept before it can be in a block: without its record nothing of it could be used.
    const record = newAskerRecord(genesis, opening);
    await records.put(record);
    const unsent = await deps.submit(bytes).then(() => undefined, AppError.from);
    if (unsent && NEVER_SENT.has(unsent.code)) {
      await records.remove(id);
      await signers.channelEnded(id).catch(() => undefined);
      throw unsent;
    }
    const channel = run(record, signers);
    if (unsent) channel.noteUnsent(unsent.code);
    await channel.onHead();
    note(channel);
    return channel.describe();
  }

  /** The question as the machine takes it. */
  function askedOf(channel: AskedChannel, asked: AskedPrepaid): Asked {
    const { model, input, most, options = new Uint8Array() } = asked;
    const manifest = models.get(toHex(model));
    if (!manifest) throw new AppError('MODEL_MISSING', 'this model is not known here');
    const offered = offeredNow(openingOf(channel.record).provider, model);
    requireFits({ input, most, options }, manifest, offered?.window);
    const price = asked.price ?? offered?.price;
    if (price?.type !== priceTypeOf(manifest))
      throw new AppError('MODEL_UNOFFERED', 'no offer of it was heard lately');
    const priced = pricedInput(price, manifest, input);
    const salt = asked.salt ?? crypto.getRandomValues(new Uint8Array(32));
    return { model, ...priced, most, salt, options, input, unitBytes: unitBytesOf(manifest) };
  }

  /** What came of the same call made before, if something did. */
  const answeredTo = ({ channel, salt }: AskedPrepaid): KeptAnswer | undefined =>
    answers
      .all()
      .find(
        (kept) =>
          salt &&
          kept.answer.length &&
          equal(kept.salt, salt) &&
          equal(kept.receipt.channel, channel),
      );

  const offeredNow = (provider: Uint8Array, model: Uint8Array): OfferedModel | undefined =>
    offerOf(provider)?.models.find((each) => equal(each.model, model));

  async function verify(answer: PaidAnswer): Promise<AnswerCheck> {
    const said = saidOf(answer);
    requireSaid(genesis, said);
    const manifest = models.get(toHex(said.receipt.model));
    if (!manifest) throw new AppError('MODEL_MISSING', 'this model is not known here');
    if (!inputTokens(said.input, manifest))
      throw new AppError('INPUT_LONG', `the input does not fit ${manifest.name}`);
    const checked = isGenerator(manifest)
      ? await checkTokens(manifest, said)
      : { at: differenceAt(said.answer, await deps.execute(said.receipt.model, said.input)) };
    const isEqual = checked.at === undefined;
    const { channel, n } = said.receipt;
    const kept = answers.find(channel, n);
    // A receipt under the same number may be of another answer: each shows its own.
    if (kept && equal(kept.signature, said.signature))
      await answers.put({ ...kept, verdict: verdictByte(isEqual ? 'equal' : 'false') });
    if (!isEqual) await convict(said.provider, 'ANSWER_FALSE');
    return { isEqual, ...checked };
  }

  /** The first token that the model does not say; an answer may have been stopped before its end. */
  async function checkTokens(
    manifest: Manifest,
    { receipt: { model }, input, options, answer: said }: Said,
  ): Promise<{ at: number | undefined; token?: number | undefined }> {
    const answer = tokensFromBytes(said);
    const tokens = inputTokens(input, manifest)!.slice(0, tokensRead(manifest, input));
    const verdict = await deps.verifyTokens({ model, input: tokens, options, answer });
    const isCut = said.length % unitBytesOf(manifest) !== 0;
    const { at, token } = verdict.right ? { at: answer.length, token: undefined } : verdict;
    // Whole tokens, all of them right.
    if (at === answer.length && !isCut) return { at: undefined };
    return { at, token };
  }

  /** As a stranger's is told. */
  function told(said: Said): PaidAnswer {
    const manifest = models.get(toHex(said.receipt.model));
    const units = manifest ? Math.floor(said.answer.length / unitBytesOf(manifest)) : 0;
    const kept = answers.find(said.receipt.channel, said.receipt.n);
    const isKept = kept && equal(kept.signature, said.signature);
    return paidAnswerOf(isKept ? kept : { ...said, units, timeMs: nowMs(), verdict: 0 });
  }

  for (const record of records.all()) {
    // The process may have died between an answer's receipt and its place among the answers. A full disk is no reason
    // not to start: each head tries again.
    await keepLast(record).catch(() => undefined);
    if (deps.signers) run(record, deps.signers);
  }

  let isDue = false;
  let heading: Promise<void> | undefined;
  async function followHead(): Promise<void> {
    while (isDue) {
      isDue = false;
      const openings = [...channels.values()].map(({ record }) => record.opening);
      await chain.look(openings).catch(() => false);
      for (const [name, channel] of channels) {
        // What fails tells so itself, and the next head tries again.
        await channel.onHead().catch(() => undefined);
        await keepLast(channel.record).catch(() => undefined);
        if (!channel.isOver) continue;
        note(channel);
        channels.delete(name);
        reported.delete(name);
        // Its record has gone before: without this number that would bring its last answer back.
        await answers.forget(channel.id).catch(() => undefined);
      }
    }
  }

  return {
    onHead() {
      isDue = true;
      heading ??= followHead().finally(() => (heading = undefined));
    },
    onOffer(provider) {
      for (const channel of channelsWith(provider)) channel.onOffer();
    },
    isKnown: (provider) => known.paid(provider) > 0n || channelsWith(provider).length > 0,
    idle: async () => heading,
    stop: () => channels.forEach((channel) => channel.end()),
    api: {
      async providers(model) {
        const manifest = models.get(toHex(model));
        return providersOf(deps.offers(), {
          model,
          priceType: manifest && priceTypeOf(manifest),
          own: await deps.signers?.servingKey().catch(() => undefined),
          paid: paidTo,
          answers: (key) => answers.all().filter(({ provider }) => equal(provider, key)).length,
          gaveNothing,
          isDistrusted: (provider) => known.isDistrusted(provider),
        });
      },
      distrusted: async () => known.distrusted(),
      openChannel,
      channels: async () => [...channels.values()].map((channel) => channel.describe()),
      async askPrepaid(asked) {
        const channel = channelOf(asked.channel);
        await keepLast(channel.record);
        const before = answeredTo(asked);
        if (before) return paidAnswerOf(before);
        const { provider } = openingOf(channel.record);
        return await noting(provider, channel.ask(askedOf(channel, asked)));
      },
      stopAsking: async (id) => channelOf(id).stop(),
      closeChannel: async (id) => channelOf(id).close(),
      answers: async () => answers.all().map(paidAnswerOf),
      verifyAnswer: verify,
      async shareAnswer(channel, n) {
        const kept = answers.find(channel, n);
        if (!kept) throw new AppError('ANSWER_UNKNOWN', 'no such answer is kept here');
        return encodeAnswer(genesis, kept);
      },
      readAnswer: async (shared) => told(decodeAnswer(genesis, shared)),
    },
  };
}

/** Whatever else fails, peers may know the opening already, and a block may hold it. */
const NEVER_SENT: ReadonlySet<ErrorCode> = new Set(['TX_REFUSED', 'NONCE_TAKEN']);

/** @param window as its provider offers it @throws AppError INPUT_LONG, QUESTION_LONG */
function requireFits(
  { input, most, options }: Pick<Asked, 'input' | 'most' | 'options'>,
  manifest: Manifest,
  window = tokensMax(manifest),
): void {
  if (!inputTokens(input, manifest) || options.length > OPTIONS_BYTES_MAX)
    throw new AppError('INPUT_LONG', `${input.length} bytes do not fit ${manifest.name}`);
  if (!Number.isSafeInteger(most) || most < 1 || most > unitsMax(manifest))
    throw new AppError('QUESTION_LONG', `${most} units of ${manifest.name}`);
  const read = tokensRead(manifest, input);
  if (isGenerator(manifest) && read >= window)
    throw new AppError('INPUT_LONG', `${read} tokens, where input and answer may have ${window}`);
}

/** Rows, or tokens of input and answer, that a question may be about. */
const unitsMax = (m: Manifest): number => (isGenerator(m) ? tokensMax(m) : unitShape(m).sequences);

const nobodyDials: NonNullable<Transport['ask']> = async () => {
  throw new AppError('NET_CLOSED', 'this transport opens no streams');
};

function keptFrom(record: AskerRecord, timeMs: number): KeptAnswer {
  const { current } = record;
  assert(current?.receipt, 'an answer has its receipt');
  const { salt, options, input } = current.question;
  return {
    provider: openingOf(record).provider,
    ...current.receipt,
    salt,
    options,
    input,
    answer: current.answer,
    units: unitsOf(current),
    timeMs,
    verdict: 0,
  };
}

/** All that may change of it. */
const lineOf = ({ peer, spent, expiry, state, depth, isBusy, answers, problem }: Prepaid): string =>
  [peer, spent, expiry, state, depth, isBusy, answers, problem].join(' ');
