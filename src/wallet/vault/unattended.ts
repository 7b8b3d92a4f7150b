/**
 * What is signed with nobody there comes from the thread that talks to strangers. So a vault is opened for one
 * chain, and bounds for that chain what a thread taken over could have signed: how long it is valid, how many nonces
 * it reserves, and what it costs.
 */
import type { Tx } from '../../core/formats.ts';
import { createParams, EXPIRY_BLOCKS_MAX, type NetworkName } from '../../core/params.ts';
import { hash } from '../../core/hash.ts';
import { fromHex, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';

/** A chain as the page knows it. */
export interface VaultChain {
  readonly network: NetworkName;
  /** ms since 1970 of block 0: how high the chain can be by now. Unknown: nothing is signed unattended. */
  readonly genesisTimeMs: number | undefined;
  /** Encoded header of block 0 in hex. Unknown: no receipt or voucher is signed, since they name it. */
  readonly genesis: string | undefined;
}

/** nV that one such transaction may pay: far over what a pool asks, far under what would be missed. */
export const WORK_FEE_MAX = 1_000_000n;
/** nV that they may pay in an hour: ten thousand at the least fee. */
export const WORK_FEES_PER_HOUR = 10_000_000n;
/**
 * Nonces above the last one signed for the same account, and for each block that the clock says since then: more
 * than wait at once. Of an account that nothing was signed for, since the chain began.
 */
export const NONCES_AHEAD_MAX = 64;
/**
 * Blocks above the height that the clock says: blocks come sooner while a network grows, by at most one half-life
 * (60 blocks) each time that its work doubles, and a transaction is valid for EXPIRY_BLOCKS_MAX at most.
 */
export const EXPIRY_AHEAD_MAX = 2 * EXPIRY_BLOCKS_MAX;
const HOUR_MS = 3_600_000;
/** A header ends with its proof digest. */
const DIGEST_BYTES = 32;

export class Unattended {
  readonly #now: () => number;
  #chain: VaultChain | undefined;
  /** The last nonce that was signed and the blocks by then, by public key in hex: a vault has few accounts. */
  readonly #last = new Map<string, { readonly nonce: number; readonly blocks: number }>();
  /** nV that may be paid at `#leftAtMs`. */
  #left = WORK_FEES_PER_HOUR;
  #leftAtMs = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @throws CHAIN_REFUSED for another chain than that of before */
  openFor(chain: VaultChain): void {
    if (this.#chain && this.#chain.network !== chain.network) throw refused();
    this.#chain ??= chain;
  }

  /** Of every transaction. @throws CHAIN_REFUSED */
  requireChain({ chainId }: Tx): void {
    if (!this.#chain || createParams(this.#chain.network, []).chainId !== chainId) throw refused();
  }

  /** ms of a block. @throws CHAIN_REFUSED */
  get blockTimeMs(): number {
    if (!this.#chain) throw refused();
    return createParams(this.#chain.network, []).blockTimeMs;
  }

  /** Id of block 0, which keeps what is signed for one network from counting on another. @throws CHAIN_REFUSED */
  get genesisId(): Uint8Array {
    const header = fromHex(this.#chain?.genesis ?? '');
    if (!header || header.length <= DIGEST_BYTES)
      throw new AppError('CHAIN_REFUSED', 'unknown first block');
    return headerId(header);
  }

  /** Before a transaction is signed with nobody there. @throws UNASKED_REFUSED */
  admit({ fee, expiry, nonce, from }: Tx): void {
    const blocks = this.#blocks();
    if (expiry > blocks + EXPIRY_AHEAD_MAX) throw tooMuch('it would be valid for too long');
    const account = toHex(from);
    const last = this.#last.get(account) ?? { nonce: 0, blocks: 0 };
    const passed = Math.max(0, Math.floor(blocks - last.blocks));
    if (nonce > last.nonce + NONCES_AHEAD_MAX * (1 + passed)) throw tooMuch('its nonce is too far');
    const left = this.#refilled();
    if (fee > WORK_FEE_MAX || fee > left) throw tooMuch('its fee is over what an hour may cost');
    this.#left = left - fee;
    this.#last.set(account, nonce < last.nonce ? last : { nonce, blocks });
  }

  /** Since the first one, by the clock. */
  #blocks(): number {
    const { genesisTimeMs } = this.#chain ?? {};
    if (genesisTimeMs === undefined) throw tooMuch('the age of the chain is unknown');
    return Math.max(0, this.#now() - genesisTimeMs) / this.blockTimeMs;
  }

  /** The budget comes back evenly; a clock set back gives nothing. */
  #refilled(): bigint {
    const now = this.#now();
    const passedMs = Math.min(HOUR_MS, Math.max(0, now - this.#leftAtMs));
    this.#leftAtMs = now;
    const left = this.#left + (WORK_FEES_PER_HOUR * BigInt(Math.floor(passedMs))) / BigInt(HOUR_MS);
    return (this.#left = left < WORK_FEES_PER_HOUR ? left : WORK_FEES_PER_HOUR);
  }
}

const refused = () => new AppError('CHAIN_REFUSED', 'the vault was opened for another chain');
const tooMuch = (why: string) => new AppError('UNASKED_REFUSED', why);

/** H_block(H_header(core) ‖ proofDigest), of an encoded header: what stands in it is the client's to check. */
const headerId = (header: Uint8Array): Uint8Array =>
  hash('block', hash('header', header.subarray(0, -DIGEST_BYTES)), header.subarray(-DIGEST_BYTES));
