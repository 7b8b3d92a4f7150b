/**
 * Keys of a node that sign with nobody there, in its data folder, readable by its owner alone: the serving key, and
 * the signers of channels that it opened. They are not the payout key's: whoever steals them spends no account.
 */
import { randomBytes } from 'node:crypto';
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { schnorr } from '@noble/curves/secp256k1.js';
import { askHash, receiptHash, signHash, voucherHash } from '../core/channel.ts';
import { tryDecode } from '../core/codec.ts';
import { Tx, type TxOf } from '../core/formats.ts';
import { offerHash } from '../core/offer.ts';
import { createParams, type NetworkName } from '../core/params.ts';
import { signTx, txBytes, txId } from '../core/tx/tx.ts';
import { equal, fromHex, toHex } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import { SerialQueue } from '../lib/queue.ts';
import { textFromBytes } from '../lib/text-file.ts';
import {
  CHANNELS_LIMIT_FIRST,
  CHANNELS_MAX,
  FRESH_MAX,
  isOpen,
  requireLimit,
  requireOwnClose,
  signerOf,
  voucherSigner,
  withoutChannel,
  withOpening,
  withSigner,
  type ChannelBook,
  type Signer,
} from '../wallet/channels.ts';
import type { UnattendedApi, VaultApi } from '../wallet/vault/vault-api.ts';
import { closeToOthers, dataRefused, FILE_MODE, makeFolder, writeWhole } from './data-folder.ts';

/** What a node's own vault would be asked; a person confirms nothing here. */
export interface ServingKeys extends UnattendedApi, Pick<VaultApi, 'newSigner'> {
  /**
   * Notes a channel before the account's key signs it, so that its signer vouches in it.
   * @throws CHANNEL_FOREIGN, CHANNELS_FULL, CHANNELS_OVER, CHAIN_REFUSED
   */
  noteOpening(tx: TxOf<'channel'>): Promise<void>;
  /** nV. @throws AMOUNT_RANGE */
  setChannelsLimit(limit: bigint): Promise<void>;
}

export interface ServingOptions {
  readonly folder: string;
  readonly network: NetworkName;
  /** Id of block 0. */
  readonly genesisId: Uint8Array;
  /** Addresses that closes may pay, beside those that were named here before. */
  readonly payees: readonly Uint8Array[];
  /** ms since 1970. */
  readonly now: () => number;
}

interface KeptSigner extends Signer {
  readonly secret: Uint8Array;
}
interface Kept extends ChannelBook<KeptSigner> {
  readonly serving: Uint8Array;
  /** The newest last: channels that were opened for one are open when another takes its place. */
  readonly payees: readonly Uint8Array[];
}

/** Addresses of before that closes may pay. */
const PAYEES_MAX = 32;

/** Changes of the file that may wait. */
const CHANGES_MAX = 32;

/** Loads the keys, or makes them at the first start. @throws AppError KEYS_CORRUPT, DATA_REFUSED */
export async function openServingKeys(options: ServingOptions): Promise<ServingKeys> {
  const { folder, network, genesisId, payees, now } = options;
  const { chainId, blockTimeMs } = createParams(network, []);
  const path = join(folder, 'serving.json');
  const queue = new SerialQueue(CHANGES_MAX);
  const write = (kept: Kept): Promise<void> =>
    writeWhole(path, format(kept)).catch((e: Error) => {
      throw dataRefused(folder, e);
    });
  let kept = await load(folder, path);
  if (!kept) {
    kept = { serving: newSecret(), payees: [], channelsLimit: CHANNELS_LIMIT_FIRST, signers: [] };
    await write(kept);
  }
  const own = withPayees(kept.payees, payees);
  if (own.length > kept.payees.length) {
    kept = { ...kept, payees: own.slice(-PAYEES_MAX) };
    await write(kept);
  }
  const { serving } = kept;
  const servingKey = schnorr.getPublicKey(serving);
  let book: Kept = kept;
  /** On disk before anything that it allows leaves here. */
  const change = <T>(next: (before: Kept) => readonly [Partial<Kept>, T]): Promise<T> =>
    queue.run(async () => {
      const [changes, result] = next(book);
      const after = { ...book, ...changes };
      await write(after);
      book = after;
      return result;
    });
  return {
    servingKey: async () => servingKey,
    signReceipt: async (receipt) => signHash(receiptHash(genesisId, receipt), serving),
    signOffer: async (offer) => signHash(offerHash(genesisId, offer), serving),
    async signClose(bytes, opening) {
      const tx = tryDecode(Tx, bytes);
      if (tx?.type !== 'close') throw new AppError('TX_MALFORMED', 'not a close');
      if (tx.chainId !== chainId) throw new AppError('CHAIN_REFUSED', `chain ${tx.chainId}`);
      const isOwn = (address: Uint8Array) => own.some((payee) => equal(payee, address));
      requireOwnClose(tx, opening, { genesisId, servingKey, isOwn });
      return txBytes(signTx(genesisId, tx, serving));
    },
    newSigner: () =>
      change((before) => {
        const secret = newSecret();
        const signer = { secret, publicKey: schnorr.getPublicKey(secret), channel: null };
        return [{ signers: withSigner(before, signer, now()) }, signer.publicKey];
      }),
    async noteOpening(tx) {
      if (tx.chainId !== chainId) throw new AppError('CHAIN_REFUSED', `chain ${tx.chainId}`);
      await change((before) => [
        isOpen(before, txId(genesisId, tx))
          ? {}
          : { signers: withOpening(before, tx, { genesisId, nowMs: now(), blockTimeMs }) },
        undefined,
      ]);
    },
    signAsk: async (channel, peers) =>
      signHash(askHash(genesisId, channel, peers), signerOf(book, channel, now()).secret),
    async signVoucher(channel, amount) {
      const { secret } = voucherSigner(book, channel, amount, now());
      return signHash(voucherHash(genesisId, channel, amount), secret);
    },
    channelEnded: (id) => change((before) => [{ signers: withoutChannel(before, id) }, undefined]),
    channelsLimit: async () => book.channelsLimit,
    async setChannelsLimit(channelsLimit) {
      requireLimit(channelsLimit);
      await change(() => [{ channelsLimit }, undefined]);
    },
  };
}

/** Those of before, then the others that are given now. */
function withPayees(
  before: readonly Uint8Array[],
  given: readonly Uint8Array[],
): readonly Uint8Array[] {
  const fresh = given.filter((payee) => !before.some((each) => equal(each, payee)));
  return [...before, ...fresh];
}

const newSecret = (): Uint8Array => schnorr.utils.randomSecretKey(randomBytes(48));

async function load(folder: string, path: string): Promise<Kept | undefined> {
  await makeFolder(folder);
  const file = await readFile(path).catch(async (e: NodeJS.ErrnoException) => {
    // As of keys.json: a link to a disk that is not mounted is no first start.
    const isFirst = e.code === 'ENOENT' && !(await lstat(path).catch(() => undefined));
    if (isFirst) return undefined;
    throw dataRefused(folder, e);
  });
  if (file === undefined) return undefined;
  await closeToOthers(path, FILE_MODE).catch((e: Error) => {
    throw dataRefused(folder, e);
  });
  return parse(file, path);
}

const format = ({ serving, payees, channelsLimit, signers }: Kept): string =>
  JSON.stringify({
    serving: toHex(serving),
    payees: payees.map(toHex),
    channelsLimit: `${channelsLimit}`,
    signers: signers.map(({ secret, channel }) => ({
      secret: toHex(secret),
      channel: channel && {
        id: toHex(channel.id),
        limit: `${channel.limit}`,
        endMs: channel.endMs,
      },
    })),
  });

function parse(file: Uint8Array, path: string): Kept {
  try {
    const {
      serving,
      payees = [],
      channelsLimit,
      signers,
    } = JSON.parse(textFromBytes(file)) as {
      readonly [name in keyof Kept]: unknown;
    };
    if (!Array.isArray(signers) || signers.length > CHANNELS_MAX + FRESH_MAX)
      throw new Error('signers');
    if (!Array.isArray(payees) || payees.length > PAYEES_MAX) throw new Error('payees');
    const own = bytes(serving);
    // It throws for bytes that are no key.
    schnorr.getPublicKey(own);
    return {
      serving: own,
      payees: payees.map(bytes),
      channelsLimit: amount(channelsLimit),
      signers: signers.map(signerFrom),
    };
  } catch (cause) {
    throw new AppError(
      'KEYS_CORRUPT',
      `${path} is not a file of serving keys: restore it from a copy. ` +
        'Without it the node answers under a new name, and what it earned in open channels is lost',
      { cause },
    );
  }
}

function signerFrom(value: unknown): KeptSigner {
  const { secret: text, channel } = value as { secret: unknown; channel: unknown };
  const secret = bytes(text);
  const publicKey = schnorr.getPublicKey(secret);
  if (channel === null) return { secret, publicKey, channel };
  const { id, limit, endMs } = channel as Record<string, unknown>;
  if (!Number.isSafeInteger(endMs)) throw new Error('endMs');
  return {
    secret,
    publicKey,
    channel: { id: bytes(id), limit: amount(limit), endMs: endMs as number },
  };
}

function bytes(value: unknown): Uint8Array {
  const read = typeof value === 'string' ? fromHex(value, 32) : undefined;
  if (!read) throw new Error('not 32 bytes in hex');
  return read;
}

function amount(value: unknown): bigint {
  if (typeof value !== 'string' || !/^\d{1,20}$/.test(value)) throw new Error('not nV');
  const nV = BigInt(value);
  requireLimit(nV);
  return nV;
}
