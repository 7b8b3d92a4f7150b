/**
 * Nonces of accounts (docs/protocol.md §8.4). That of a leaf made in block h begins at h·2^32: what was signed for an
 * account that went is worth nothing for the one that comes under the same address.
 */
const PER_BLOCK = 32n;

/** Of an account whose leaf is made in that block. */
export const firstNonce = (height: number): bigint => BigInt(height) << PER_BLOCK;

/** Block in which the leaf was made that has this nonce. */
export const bornAt = (nonce: bigint): number => Number(nonce >> PER_BLOCK);

/** Transactions that it sent before the one of this nonce. */
export const sentBefore = (nonce: bigint): number => Number(BigInt.asUintN(32, nonce));
