/** Blocks for tests of the chain: real headers, bodies and signatures; the proof is not looked at. */
import { schnorr } from '@noble/curves/secp256k1.js';
import type { FullChain } from '../../src/chain/full/full-chain.ts';
import { createFullChain, type FullChainOptions } from '../../src/chain/full/full-chain.ts';
import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import type { Store } from '../../src/chain/store/store.ts';
import { addressOf } from '../../src/core/address.ts';
import { signHash, voucherHash } from '../../src/core/channel.ts';
import type { Proof, SignedTx, Tx, TxOf } from '../../src/core/formats.ts';
import { blockId, genesisPoint } from '../../src/core/header/header.ts';
import { modelId } from '../../src/core/manifest.ts';
import type { Block } from '../../src/core/messages.ts';
import { ACCOUNT_MIN, CHANNEL_LIFETIME_MIN, NANOVOLTS } from '../../src/core/params.ts';
import { firstNonce } from '../../src/core/tx/nonce.ts';
import { signTx } from '../../src/core/tx/tx.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { inventedManifest } from '../oracle/manifests.ts';
import { paramsFor } from '../core/header/params-for.ts';

const filled = (b: number) => new Uint8Array(32).fill(b);

export const MANIFEST = inventedManifest({
  name: 'test',
  linears: [3, 4].map((b) => ({ k: 128, n: 16, r: 16, weights: filled(b) })),
});
export const MODEL = modelId(MANIFEST);
export const MODELS = new Map([[toHex(MODEL), MANIFEST]]);
export const START_MS = 1_790_000_000_000;
export const PARAMS = paramsFor('e2e', [toHex(MODEL)], START_MS);

/** Id of block 0 of the chains made here. */
export const GENESIS_ID = genesisPoint(PARAMS, START_MS).id;
/** What executing their blocks knows. */
export const CONTEXT = { genesis: GENESIS_ID };

export const PROOF: Proof = {
  linear: 2,
  tile: 0,
  x: [filled(5)],
  t: [filled(7)],
  a: filled(5),
  y: filled(6),
  rows: new Uint8Array(8),
  rowPath: [],
  columns: new Uint8Array(8),
  columnPath: [],
};

export interface Person {
  readonly secret: Uint8Array;
  readonly xonly: Uint8Array;
  readonly address: Uint8Array;
}
export function person(seed: number): Person {
  const secret = filled(seed);
  const xonly = schnorr.getPublicKey(secret);
  return { secret, xonly, address: addressOf(xonly) };
}

/** Nonce at which the leaf of whoever mined block 1 begins. */
export const BORN = firstNonce(1 + PARAMS.maturityBlocks);

/** Signs with the fields that every transaction has filled in. A nonce below 2^32 is counted from BORN. */
export function sign(from: Person, nonce: number | bigint, tx: object, fee = 10_000n): SignedTx {
  const isCounted = (tx as Tx).type !== 'close' && nonce < 2 ** 32;
  const exact = BigInt(nonce) + (isCounted ? BORN : 0n);
  const common = { chainId: PARAMS.chainId, from: from.xonly, nonce: exact, expiry: 1000, fee };
  return signTx(GENESIS_ID, { ...common, ...tx } as Tx, from.secret);
}
/** An amount below 1000 is in least balances: what makes an account. */
export const coins = (amount: bigint): bigint => (amount < 1000n ? amount * ACCOUNT_MIN : amount);
// eslint-disable-next-line @typescript-eslint/max-params -- a sentence: who pays whom how much, for which fee
export function transfer(
  from: Person,
  nonce: number | bigint,
  to: Person,
  amount: bigint,
  fee = 10_000n,
): SignedTx {
  const fields = {
    type: 'transfer',
    to: to.address,
    amount: coins(amount),
    memo: new Uint8Array(0),
  };
  return sign(from, nonce, fields, fee);
}

/** Signs for an asker, for one channel. */
export const SIGNER = person(90);

/** Opens a channel of 1 VLT with a provider who is paid himself. */
export const prepay = (
  from: Person,
  nonce: number | bigint,
  provider: Person,
  fields: Partial<TxOf<'channel'>> = {},
): SignedTx =>
  sign(from, nonce, {
    type: 'channel',
    provider: provider.xonly,
    payee: provider.address,
    signer: SIGNER.xonly,
    limit: NANOVOLTS,
    lifetime: CHANNEL_LIFETIME_MIN,
    ...fields,
  });

/** Closes a channel with its signer's voucher. */
export const close = (
  provider: Person,
  channel: Uint8Array,
  amount: bigint,
  fields: Partial<TxOf<'close'>> = {},
): SignedTx => {
  const voucher = signHash(voucherHash(GENESIS_ID, channel, amount), SIGNER.secret);
  return sign(provider, 0, { type: 'close', channel, amount, voucher, ...fields });
};

/** A clock that stands still until it is set. */
export interface Clock {
  ms: number;
}

/** ms by which a chain's clock is ahead of the one that a test sets, so that some blocks may come at once. */
export const AHEAD_MS = 110_000;

export const openChain = (
  store: Store = createMemoryStore(),
  clock: Clock = { ms: START_MS },
  options: Partial<FullChainOptions> = {},
): Promise<FullChain> =>
  createFullChain({
    store,
    params: PARAMS,
    models: MODELS,
    now: () => clock.ms + AHEAD_MS,
    genesisTimeMs: async () => clock.ms,
    verifyProof: () => undefined,
    ...options,
  });

/** The next block on the chain's head; `salt` makes siblings differ. */
export function nextBlock(
  chain: FullChain,
  miner: Person,
  { afterMs = 2000, salt = 0 }: { afterMs?: number; salt?: number } = {},
): Block {
  const nowMs = chain.head().header.time + afterMs;
  const { core, body } = chain.template({ miner: miner.address, modelId: MODEL, nowMs });
  const header = { ...core, nonce: BigInt(salt), proofDigest: filled(9) };
  return { header, body, proof: PROOF };
}

/** Mines onto the chain; its clock must run behind by no more than two minutes. */
export async function mine(
  chain: FullChain,
  miner: Person,
  count = 1,
  options: Parameters<typeof nextBlock>[2] = {},
): Promise<Block[]> {
  const blocks: Block[] = [];
  for (let i = 0; i < count; i++) {
    const block = nextBlock(chain, miner, options);
    const done = await chain.importBlock(block);
    if (!('status' in done) || done.status !== 'extended')
      throw new Error(`not extended: ${JSON.stringify(done)}`);
    blocks.push(block);
  }
  return blocks;
}

export const idOf = (block: Block): string => toHex(blockId(block.header));
