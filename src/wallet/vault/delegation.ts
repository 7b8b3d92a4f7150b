/**
 * What this vault's delegates sign with nobody there: receipts, closes of channels that pay an account of this
 * wallet, and streams and vouchers of channels that it opened. Each change is stored before what it allows leaves the vault.
 */
import { askHash, voucherHash, type AskPeers } from '../../core/channel.ts';
import type { TxOf } from '../../core/formats.ts';
import { txId } from '../../core/tx/tx.ts';
import { equal } from '../../lib/bytes.ts';
import {
  freshSigner,
  isAddressOf,
  isOpen,
  requireLimit,
  requireOwnClose,
  signerOf,
  voucherSigner,
  withoutChannel,
  withOpening,
  withSigner,
} from '../channels.ts';
import { keyAtPath, signerPath } from '../keys.ts';
import type { Delegates } from './delegates-blob.ts';
import type { Loaded, Safe } from './safe.ts';
import { tampered, type Keys } from './vault-keys.ts';

/** An open vault: its words, and what is stored. */
interface Open {
  readonly keys: Keys;
  readonly loaded: Loaded;
}

export class Delegation {
  readonly #safe: Safe;
  readonly #now: () => number;

  constructor(safe: Safe, now: () => number) {
    this.#safe = safe;
    this.#now = now;
  }

  /** By the serving key. */
  async sign(loaded: Loaded, hashed: Uint8Array): Promise<Uint8Array> {
    return this.#safe.signBy(loaded, this.#safe.delegatesOf(loaded).serving, hashed);
  }

  /** @throws TX_MALFORMED, TX_SENDER, CHANNEL_UNKNOWN, CHANNEL_FOREIGN, CHANNEL_AMOUNT, SERVING_MISSING */
  requireOwn(
    loaded: Loaded,
    genesisId: Uint8Array,
    { close, opening }: { readonly close: TxOf<'close'>; readonly opening: Uint8Array },
  ): void {
    const publicKeys = loaded.blob.accounts.map(({ publicKey }) => publicKey);
    requireOwnClose(close, opening, {
      genesisId,
      servingKey: this.#safe.delegatesOf(loaded).serving.publicKey,
      isOwn: (address) => isAddressOf(address, publicKeys),
    });
  }

  async newSigner({ keys, loaded }: Open): Promise<Uint8Array> {
    const delegates = this.#safe.delegatesOf(loaded);
    const index = delegates.nextSigner;
    const key = await this.#safe.delegate(loaded, keys, signerPath(index));
    const signers = withSigner(delegates, { ...key, index, channel: null }, this.#now());
    await this.#keep(loaded, { signers, nextSigner: index + 1 });
    return key.publicKey;
  }

  /**
   * Notes a channel that a person confirmed, before it is signed. One that was noted is signed again.
   * @throws CHANNEL_FOREIGN, CHANNELS_FULL, CHANNELS_OVER
   */
  async noteOpening(
    { keys, loaded }: Open,
    tx: TxOf<'channel'>,
    chain: { readonly genesisId: Uint8Array; readonly blockTimeMs: number },
  ): Promise<void> {
    const delegates = this.#safe.delegatesOf(loaded);
    if (isOpen(delegates, txId(chain.genesisId, tx))) return;
    const signers = withOpening(delegates, tx, { ...chain, nowMs: this.#now() });
    // What is stored says that it is a key of the words; they are at hand, so they are asked.
    const { publicKey, secret } = keyAtPath(
      keys.entropy,
      signerPath(freshSigner(delegates, tx).index),
    );
    secret.fill(0);
    if (!equal(publicKey, tx.signer)) throw tampered('another signer');
    await this.#keep(loaded, { signers });
  }

  /** @throws CHANNEL_UNKNOWN */
  async signAsk(
    loaded: Loaded,
    genesis: Uint8Array,
    { channel, peers }: { readonly channel: Uint8Array; readonly peers: AskPeers },
  ): Promise<Uint8Array> {
    const signer = signerOf(this.#safe.delegatesOf(loaded), channel, this.#now());
    return this.#safe.signBy(loaded, signer, askHash(genesis, channel, peers));
  }

  /** @throws CHANNEL_UNKNOWN, CHANNEL_AMOUNT */
  async signVoucher(
    loaded: Loaded,
    genesis: Uint8Array,
    { channel, amount }: { readonly channel: Uint8Array; readonly amount: bigint },
  ): Promise<Uint8Array> {
    const signer = voucherSigner(this.#safe.delegatesOf(loaded), channel, amount, this.#now());
    return this.#safe.signBy(loaded, signer, voucherHash(genesis, channel, amount));
  }

  async channelEnded(loaded: Loaded, id: Uint8Array): Promise<void> {
    const delegates = this.#safe.delegatesOf(loaded);
    if (isOpen(delegates, id)) await this.#keep(loaded, { signers: withoutChannel(delegates, id) });
  }

  /** @throws AMOUNT_RANGE */
  async setLimit({ keys, loaded }: Open, channelsLimit: bigint): Promise<void> {
    requireLimit(channelsLimit);
    await this.#keep(loaded, { channelsLimit }, keys);
  }

  /** @param keys where it is a change that only the words' owner makes */
  #keep(loaded: Loaded, change: Partial<Delegates>, keys?: Keys): Promise<void> {
    const delegates = { ...this.#safe.delegatesOf(loaded), ...change };
    return this.#safe.change(loaded, { delegates }, keys);
  }
}
