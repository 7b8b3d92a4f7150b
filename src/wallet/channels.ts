/**
 * The payment channels that one holder of keys opened: which signer may vouch for what, and how much all of them
 * together may cost. Pure: who holds the secrets stores each new book before a signature leaves it.
 */
import { addressOf } from '../core/address.ts';
import { tryDecode } from '../core/codec.ts';
import { SignedTx, type TxOf } from '../core/formats.ts';
import { EXPIRY_BLOCKS_MAX, NANOVOLTS } from '../core/params.ts';
import { txId } from '../core/tx/tx.ts';
import { equal } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import { AMOUNT_MAX } from './amount.ts';

/** Channels open at once: each costs two transactions, and one serves a whole conversation. */
export const CHANNELS_MAX = 64;
/** Signers made for a channel that nobody has confirmed yet, in all tabs: the oldest goes. */
export const FRESH_MAX = 8;
/** nV that all open channels together may hold until a person sets another limit. */
export const CHANNELS_LIMIT_FIRST = 10n * NANOVOLTS;

/** A channel as its opening says it. */
export interface OpenChannel {
  readonly id: Uint8Array;
  /** nV. */
  readonly limit: bigint;
  /** ms since 1970 by which it has ended on any chain that keeps its pace. */
  readonly endMs: number;
}

/** A signer's place in the book. It is in one channel, ever. */
export interface Signer {
  /** x-only. */
  readonly publicKey: Uint8Array;
  readonly channel: OpenChannel | null;
}

/** `S`: a signer, with what its holder keeps of it. */
export interface ChannelBook<S extends Signer> {
  /** nV of all open channels together. */
  readonly channelsLimit: bigint;
  /** Those of a channel, then the others, the oldest first. */
  readonly signers: readonly S[];
}

const isOf = (channel: OpenChannel | null, id: Uint8Array): channel is OpenChannel =>
  channel !== null && equal(channel.id, id);

/** Those that have not ended by the clock. */
const lasting = <S extends Signer>(signers: readonly S[], nowMs: number): S[] =>
  signers.filter(({ channel }) => !channel || nowMs < channel.endMs);

/** The signers with one more, and without the oldest that no channel has where there are FRESH_MAX already. */
export function withSigner<S extends Signer>(
  { signers }: ChannelBook<S>,
  signer: S,
  nowMs: number,
): S[] {
  const kept = lasting(signers, nowMs);
  const fresh = kept.filter(({ channel }) => !channel).slice(1 - FRESH_MAX);
  return [...kept.filter(({ channel }) => channel), ...fresh, signer];
}

/** The signer that no channel has yet. @throws CHANNEL_FOREIGN */
export function freshSigner<S extends Signer>(
  { signers }: ChannelBook<S>,
  { signer }: TxOf<'channel'>,
): S {
  const fresh = signers.find(({ publicKey }) => equal(publicKey, signer));
  if (fresh && !fresh.channel) return fresh;
  throw foreign('its signer');
}

export const isOpen = <S extends Signer>({ signers }: ChannelBook<S>, id: Uint8Array): boolean =>
  signers.some(({ channel }) => isOf(channel, id));

/**
 * The signers once this channel is open. A channel counts from its signature on: whoever has it can publish it, as
 * long as a transaction is valid. @param chain its block 0, ms since 1970, and ms of a block
 * @throws CHANNEL_FOREIGN, CHANNELS_FULL, CHANNELS_OVER
 */
export function withOpening<S extends Signer>(
  book: ChannelBook<S>,
  tx: TxOf<'channel'>,
  chain: {
    readonly genesisId: Uint8Array;
    readonly nowMs: number;
    readonly blockTimeMs: number;
  },
): S[] {
  const { genesisId, nowMs, blockTimeMs } = chain;
  const signer = freshSigner(book, tx);
  const signers = lasting(book.signers, nowMs);
  const open = signers.flatMap(({ channel }) => channel ?? []);
  if (open.length >= CHANNELS_MAX) throw new AppError('CHANNELS_FULL', 'too many are open');
  const held = open.reduce((sum, { limit }) => sum + limit, tx.limit);
  if (held > book.channelsLimit) throw new AppError('CHANNELS_OVER', `${held} nV in all`);
  const endMs = nowMs + (EXPIRY_BLOCKS_MAX + tx.lifetime) * blockTimeMs;
  const channel = { id: txId(genesisId, tx), limit: tx.limit, endMs };
  return signers.map((one) => (one === signer ? { ...one, channel } : one));
}

/** The signers without that of an ended channel: terminal is terminal. */
export const withoutChannel = <S extends Signer>(
  { signers }: ChannelBook<S>,
  id: Uint8Array,
): S[] => signers.filter(({ channel }) => !isOf(channel, id));

/** Who signs in this channel. @throws CHANNEL_UNKNOWN */
export function signerOf<S extends Signer>(
  { signers }: ChannelBook<S>,
  id: Uint8Array,
  nowMs: number,
): S & { readonly channel: OpenChannel } {
  const isHere = (one: S): one is S & { readonly channel: OpenChannel } => isOf(one.channel, id);
  const signer = lasting(signers, nowMs).find(isHere);
  if (!signer) throw new AppError('CHANNEL_UNKNOWN', 'not open here');
  return signer;
}

/** Who signs for `amount` nV in all. @throws CHANNEL_UNKNOWN, CHANNEL_AMOUNT */
export function voucherSigner<S extends Signer>(
  book: ChannelBook<S>,
  id: Uint8Array,
  amount: bigint,
  nowMs: number,
): S {
  const signer = signerOf(book, id, nowMs);
  if (amount < 0n || amount > signer.channel.limit) throw outside(amount, signer.channel);
  return signer;
}

/** A limit as a person may set it. @throws AMOUNT_RANGE */
export function requireLimit(limit: bigint): void {
  if (limit < 0n || limit > AMOUNT_MAX) throw new AppError('AMOUNT_RANGE', `${limit} nV`);
}

/** Whose channels are closed with nobody there. */
export interface Provider {
  /** Id of the network's block 0. */
  readonly genesisId: Uint8Array;
  /** x-only. */
  readonly servingKey: Uint8Array;
  /** Whether an address is of the same owner. */
  isOwn(address: Uint8Array): boolean;
}

/**
 * Whether a close pays the owner of the serving key what the channel gives. `opening`: the SignedTx that opened it,
 * which its id binds. @throws TX_MALFORMED, TX_SENDER, CHANNEL_UNKNOWN, CHANNEL_FOREIGN, CHANNEL_AMOUNT
 */
export function requireOwnClose(
  close: TxOf<'close'>,
  opening: Uint8Array,
  { genesisId, servingKey, isOwn }: Provider,
): void {
  const opened = tryDecode(SignedTx, opening)?.tx;
  if (opened?.type !== 'channel') throw new AppError('TX_MALFORMED', 'not an opening');
  if (!equal(close.from, servingKey)) throw new AppError('TX_SENDER', 'another key');
  if (!equal(txId(genesisId, opened), close.channel) || opened.chainId !== close.chainId)
    throw new AppError('CHANNEL_UNKNOWN', 'another opening');
  if (!equal(opened.provider, servingKey)) throw foreign('its provider');
  if (!isOwn(opened.payee)) throw foreign('its payee');
  if (close.amount > opened.limit || close.fee > close.amount) throw outside(close.amount, opened);
}

/** Whether an address is one of those public keys'. */
export const isAddressOf = (address: Uint8Array, publicKeys: readonly Uint8Array[]): boolean =>
  publicKeys.some((key) => equal(addressOf(key), address));

const foreign = (why: string) => new AppError('CHANNEL_FOREIGN', why);
const outside = (amount: bigint, { limit }: { readonly limit: bigint }) =>
  new AppError('CHANNEL_AMOUNT', `${amount} nV of ${limit}`);
