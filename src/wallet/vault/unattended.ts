/**
 * What is signed with nobody there comes from the thread that talks to strangers. So a vault is opened for one
 * chain, and bounds what a thread taken over could burn there as fees of closes: their owner pays them.
 */
import type { Tx, TxOf } from '../../core/formats.ts';
import { createParams, type NetworkName } from '../../core/params.ts';
import { hash } from '../../core/hash.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { fromHex, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';

/** A chain as the page knows it. */
export interface VaultChain {
  readonly network: NetworkName;
  /** Encoded header of block 0 in hex. Unknown: nothing is signed, since all that is signed names it. */
  readonly genesis: string | undefined;
}

/**
 * A fee up to this share of what its close takes is signed whatever the chain asks: its owner gets no less than
 * miners do. A bound in nV would keep a provider from what he earned once fees rise over it.
 */
const FEE_SHARE = 2n;
/**
 * nV that fees may take beyond that in an hour, for closes of little: where blocks have room, those of two thousand
 * channels.
 */
const FEES_PER_HOUR = 10_000_000n;
/** Channels whose close was charged: of one forgotten, the next is charged whole. */
const CHARGED_MAX = 1024;
const HOUR_MS = 3_600_000;
/** A header ends with its proof digest. */
const DIGEST_BYTES = 32;

export class Unattended {
  readonly #now: () => number;
  #chain: VaultChain | undefined;
  /** nV by channel in hex: one close of it is in a block, ever, so another one that is signed costs the difference. */
  readonly #charged = new BoundedMap<string, bigint>(CHARGED_MAX);
  /** nV that may be taken at `#leftAtMs`. */
  #left = FEES_PER_HOUR;
  #leftAtMs = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @throws CHAIN_REFUSED for another chain than that of before */
  openFor(chain: VaultChain): void {
    if (this.#chain && this.#chain.network !== chain.network) throw refused();
    this.#chain ??= chain;
  }

  /** For what network a transaction is signed: its block 0, and ms of a block. @throws CHAIN_REFUSED */
  chainOf({ chainId }: Tx): { readonly genesisId: Uint8Array; readonly blockTimeMs: number } {
    const params = this.#chain && createParams(this.#chain.network, []);
    if (params?.chainId !== chainId) throw refused();
    return { genesisId: this.genesisId, blockTimeMs: params.blockTimeMs };
  }

  /** Id of block 0, which keeps what is signed for one network from counting on another. @throws CHAIN_REFUSED */
  get genesisId(): Uint8Array {
    const header = fromHex(this.#chain?.genesis ?? '');
    if (!header || header.length <= DIGEST_BYTES)
      throw new AppError('CHAIN_REFUSED', 'unknown first block');
    return headerId(header);
  }

  /** Before a close is signed with nobody there. @throws UNASKED_REFUSED */
  admit({ channel, amount, fee }: TxOf<'close'>): void {
    const name = toHex(channel);
    const charged = this.#charged.get(name) ?? 0n;
    const over = fee - amount / FEE_SHARE;
    if (over <= charged) return;
    const left = this.#refilled();
    if (over - charged > left)
      throw new AppError('UNASKED_REFUSED', 'its fee is over what an hour may cost');
    this.#left = left - (over - charged);
    this.#charged.set(name, over);
  }

  /** The budget comes back evenly; a clock set back gives nothing. */
  #refilled(): bigint {
    const now = this.#now();
    const passedMs = Math.min(HOUR_MS, Math.max(0, now - this.#leftAtMs));
    this.#leftAtMs = now;
    const left = this.#left + (FEES_PER_HOUR * BigInt(Math.floor(passedMs))) / BigInt(HOUR_MS);
    return (this.#left = left < FEES_PER_HOUR ? left : FEES_PER_HOUR);
  }
}

const refused = () => new AppError('CHAIN_REFUSED', 'the vault was opened for another chain');

/** H_block(H_header(core) ‖ proofDigest), of an encoded header: what stands in it is the client's to check. */
const headerId = (header: Uint8Array): Uint8Array =>
  hash('block', hash('header', header.subarray(0, -DIGEST_BYTES)), header.subarray(-DIGEST_BYTES));
