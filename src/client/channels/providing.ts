/**
 * Answers for pay: the provider's ends of all channels of one serving key. Streams of askers come in here (`onAsk`), and
 * new heads (`onHead`), which close channels in time also where nobody is answered any more.
 */
import { addressOf } from '../../core/address.ts';
import type { AskCode, AskerFrameOf, Question } from '../../core/ask-messages.ts';
import { askHash, verifyHash, type AskPeers } from '../../core/channel.ts';
import type { SignedOpening } from '../../core/formats.ts';
import { costOf } from '../../core/price.ts';
import { txId, verifySignature } from '../../core/tx/tx.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import type { Log } from '../../lib/log.ts';
import type { OnAsk } from '../../net/asking/ask-stream.ts';
import { RateLimiter } from '../../net/rate.ts';
import type { GivenAnswer } from '../api.ts';
import type { Answerer } from '../mining/answerer.ts';
import { lessDebts, type PayerBook } from '../providing/payer-book.ts';
import type { ChannelChain } from './channel-chain.ts';
import { CHANNELS_MAX, type ChannelStore } from './channel-store.ts';
import { PROVIDER_POLICY, type ProviderEnd } from './provider.ts';
import { isRunning, newProviderRecord, owedOf, type ProviderRecord } from './provider-record.ts';
import {
  ProvidedChannel,
  type CloseSigner,
  type ProvidedDeps,
  type ServedModel,
} from './provided-channel.ts';
import { isEnding, OPENING_PEER_RATE, type ChannelView } from './terms.ts';

/** Questions of askers who have not paid yet that run at once: each is worth one pass, for nothing at worst. */
export const STRANGERS_MAX = 4;

/** Channels of one account: as many as a wallet opens. Else who pays a little in each keeps everybody else out. */
export const CHANNELS_ASKER_MAX = 64;

/**
 * Openings that nothing is kept of and that the chain is asked about: each may cost a light client a peer's proof. New
 * askers are served at this rate whoever floods, and a flooder needs four peers to take it; those of before are not
 * held up.
 */
export const OPENING_RATE = { perSecond: 2, burst: 32 };

export interface ProvidingEnd {
  /** Serving key, x-only. */
  readonly provider: Uint8Array;
  /** Address that closes are to pay; undefined: no question is answered, and open channels are closed in time. */
  payee(): Uint8Array | undefined;
  /** For this input; undefined where the model is not served. */
  offerOf(asked: Pick<Question, 'model' | 'input'>): ServedModel | undefined;
}

export interface ProvidingDeps {
  readonly chain: ChannelChain;
  readonly store: ChannelStore<ProviderRecord>;
  readonly payers: PayerBook;
  readonly signers: CloseSigner;
  readonly end: ProvidingEnd;
  readonly answerer: Answerer;
  readonly nowMs: () => number;
  readonly log: Log;
  /** Called when `status` has changed. */
  readonly onChange?: () => void;
}

/** Since the process started, but for `channels`. */
export interface ProvidingStatus {
  /** Open or to be closed. */
  readonly channels: number;
  readonly streams: number;
  /** Questions answered, and rows or tokens of their answers. */
  readonly answers: number;
  readonly units: number;
  /** nV that was vouched for. */
  readonly earned: bigint;
  /** The answer that ended last; what it earned may still grow. */
  readonly last: GivenAnswer | undefined;
}

export interface Providing {
  readonly onAsk: OnAsk;
  /** Of the verified chain; also once at the start. Resolves when every channel has been told. */
  onHead(): Promise<void>;
  status(): ProvidingStatus;
}

const NOBODY = new Uint8Array(32);

/** What an answer came to: all of it, but for what is not vouched for yet. */
function givenOf(record: ProviderRecord, current: NonNullable<ProviderRecord['current']>) {
  const { channel, n } = record;
  const { model, units } = current;
  const owed = owedOf(record);
  const paid = costOf(current, units) - (owed > 0n ? owed : 0n);
  return { channel, n, model, units, earned: paid > 0n ? paid : 0n };
}

export function createProviding(deps: ProvidingDeps): Providing {
  const { chain, store, payers, end, onChange = () => undefined } = deps;
  /** Channels in which something happens: as many as streams, and those that a head is acted on in. */
  const live = new Map<string, ProvidedChannel>();
  const openings = new RateLimiter(OPENING_RATE);
  const openingsOf = new RateLimiter(OPENING_PEER_RATE);
  const count = { answers: 0, units: 0, earned: 0n };
  /** With its place: the question of that number in that channel. */
  let last: (GivenAnswer & Pick<ProviderRecord, 'channel' | 'n'>) | undefined;
  let streams = 0;
  let telling: Promise<void> | undefined;
  let again = false;

  const offerOf: ProvidingEnd['offerOf'] = (asked) =>
    end.payee() ? end.offerOf(asked) : undefined;

  /** What stands for credit in a channel: of all that its asker opens at once, each would else give it anew. */
  function earlierOf({ channel, opening: { tx } }: ProviderRecord): bigint {
    const isTheirs = ({ opening }: Pick<ProviderRecord, 'opening'>): boolean =>
      equal(opening.tx.from, tx.from);
    const kept = store.all().filter(isTheirs);
    const debts = new Map(kept.map((each) => [toHex(each.channel), owedOf(each)]));
    // What runs is promised, and may not be kept yet.
    for (const each of live.values()) if (isTheirs(each)) debts.set(each.id, each.owed);
    debts.delete(toHex(channel));
    const owed = [...debts.values()].reduce((sum, each) => sum + each, 0n);
    return lessDebts(payers.paidBy(addressOf(tx.from)), owed);
  }

  const endOf = (record: ProviderRecord): ProviderEnd => ({
    genesis: chain.genesisId,
    provider: end.provider,
    payee: end.payee() ?? NOBODY,
    offerOf,
    earlier: earlierOf(record),
    policy: PROVIDER_POLICY,
  });

  const channelDeps: ProvidedDeps = {
    ...deps,
    endOf,
    offerOf,
    isFull: () =>
      [...live.values()].filter(({ isStrangers }) => isStrangers).length >= STRANGERS_MAX,
    onStored(record, before) {
      count.earned += record.amount - (before?.amount ?? 0n);
      const isDone = record.current && !isRunning(record) && (!before || isRunning(before));
      if (isDone && record.current?.units) {
        count.answers++;
        count.units += record.current.units;
        last = { ...givenOf(record, record.current), timeMs: deps.nowMs() };
      } else if (record.current && last?.n === record.n && equal(last.channel, record.channel))
        last = { ...givenOf(record, record.current), timeMs: last.timeMs };
      onChange();
    },
    async onOver(record) {
      const isPaid = await chain.wasClosed(record.opening);
      const asker = addressOf(record.opening.tx.from);
      await store.remove(record.channel, (end) =>
        payers.add(asker, isPaid ? record.amount : 0n, owedOf(record), end),
      );
      onChange();
    },
    onIdle(channel) {
      if (live.get(channel.id) === channel) live.delete(channel.id);
    },
  };

  function channelOf(record: ProviderRecord): ProvidedChannel {
    const name = toHex(record.channel);
    const known = live.get(name);
    if (known) return known;
    const channel = new ProvidedChannel(channelDeps, record);
    live.set(name, channel);
    return channel;
  }

  /** Whether the chain may be asked about another one. A peer's own rate comes first: what it lacks costs no other. */
  const mayName = (peer: string): boolean =>
    openingsOf.take(peer, 1, deps.nowMs()) && openings.take('', 1, deps.nowMs());

  /** A first record for an opening that is served here; kept once there is something to keep. */
  async function firstRecord(
    { opening, signature }: AskerFrameOf<'open'>,
    peers: AskPeers,
  ): Promise<ProviderRecord | AskCode> {
    const { tx } = opening;
    const payee = end.payee();
    const isOurs = payee && equal(tx.provider, end.provider) && equal(tx.payee, payee);
    if (!isOurs) return 'CHANNEL_UNKNOWN';
    // Before the chain is asked: anybody can name a channel of others.
    if (
      !verifyHash(askHash(chain.genesisId, txId(chain.genesisId, tx), peers), signature, tx.signer)
    )
      return 'SIGNER_WRONG';
    // Whoever saw the channel on the chain knows all but this: a branch without it could not be given it again.
    if (!verifySignature(chain.genesisId, opening)) return 'CHANNEL_UNKNOWN';
    if (!mayName(peers.asker)) return 'PROVIDER_BUSY';
    const view = await standing(opening);
    if (view?.depth === undefined) return 'CHANNEL_UNKNOWN';
    if (isEnding(view)) return 'CHANNEL_ENDING';
    return (await hasRoom(tx.from)) ? newProviderRecord(chain.genesisId, opening) : 'PROVIDER_BUSY';
  }

  /** Whose close would bring nothing makes room: else fees of as many openings would keep everybody else out. */
  async function hasRoom(asker: Uint8Array): Promise<boolean> {
    const records = store.all();
    const isTheirs = ({ opening }: Pick<ProviderRecord, 'opening'>): boolean =>
      equal(opening.tx.from, asker);
    const unkept = [...live.values()].filter(
      ({ opening }) => !store.get(txId(chain.genesisId, opening.tx)),
    );
    if ([...records, ...unkept].filter(isTheirs).length >= CHANNELS_ASKER_MAX) return false;
    if (records.length + unkept.length < CHANNELS_MAX) return true;
    const others = records.filter(({ channel }) => !live.has(toHex(channel)));
    const least = others.sort((a, b) => (a.amount < b.amount ? -1 : 1))[0];
    if (!least || least.amount > chain.closeFields().fee) return false;
    await channelDeps.onOver(least);
    return true;
  }

  /** The asker may be the first from whom this node hears of it. */
  async function standing(opening: SignedOpening): Promise<ChannelView | undefined> {
    const view = await chain.view(opening);
    if (!view || view.depth !== undefined) return view;
    return chain.send(opening).then(
      () => chain.view(opening),
      () => undefined,
    );
  }

  /** Those kept, then those that are live and not kept yet. */
  async function tellAll(): Promise<void> {
    const records = store.all();
    const openings = [...live.values()].map(({ opening }) => opening);
    // One proof for all. What nobody proves now is not asked for one by one: the next head asks again.
    const all = [...records.map(({ opening }) => opening), ...openings];
    if (!(await chain.look(all).catch(() => false))) return;
    for (const record of records) {
      // A head that has come since then is looked at for all.
      if (again) return;
      await tell(record.opening, () => channelOf(record));
    }
    const others = [...live.values()].filter(
      ({ opening }) => !store.get(txId(chain.genesisId, opening.tx)),
    );
    for (const channel of others) await tell(channel.opening, () => channel);
  }

  /** The proof is waited for, one channel after another; what follows from it is not: an asker may read slowly. */
  async function tell(opening: SignedOpening, channel: () => ProvidedChannel): Promise<void> {
    const view = await chain.view(opening).catch(() => undefined);
    // An opening that a reorganisation took out, and pools forgot, is what a close needs.
    if (
      view &&
      view.depth === undefined &&
      !view.isOver &&
      store.get(txId(chain.genesisId, opening.tx))?.amount
    )
      await chain.send(opening).catch(() => undefined);
    channel().onChain(view !== undefined && isEnding(view));
  }

  return {
    async onAsk(stream, open) {
      const { tx } = open.opening;
      const id = txId(chain.genesisId, tx);
      const known = live.get(toHex(id)) ?? store.get(id);
      const record =
        known ?? (await firstRecord(open, stream.peers).catch(() => 'CHANNEL_UNKNOWN'));
      if (typeof record === 'string') {
        await stream.send({ type: 'refused', code: record as AskCode, least: 0n });
        return undefined;
      }
      const channel = record instanceof ProvidedChannel ? record : channelOf(record);
      const number = ++streams;
      if (!(await channel.open(number, stream, open.signature))) return undefined;
      return {
        onFrame: (frame) => channel.onFrame(number, frame),
        isHeld: async () => channel.isHeld,
        onGone: () => channel.onGone(number),
      };
    },
    onHead() {
      again = true;
      return (telling ??= (async () => {
        while (again) {
          again = false;
          await tellAll();
        }
      })().finally(() => (telling = undefined)));
    },
    status: () => ({
      channels: store.all().length,
      streams: [...live.values()].reduce((sum, channel) => sum + channel.streams, 0),
      ...count,
      last,
    }),
  };
}
