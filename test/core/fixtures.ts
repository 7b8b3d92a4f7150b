/** Small, fixed material for tests of the core: a model, a network, people with keys, blocks. */
import { schnorr } from '@noble/curves/secp256k1.js';
import { toHex } from '../../src/lib/bytes.ts';
import { addressOf } from '../../src/core/address.ts';
import { bodyOf, bodyRoot } from '../../src/core/tx/body.ts';
import type { Body, Header, SignedTx, Tx, TxOf } from '../../src/core/formats.ts';
import { extendPoint, templateCore, type ChainPoint } from '../../src/core/header/header.ts';
import { signHash, voucherHash } from '../../src/core/channel.ts';
import { hash, ZERO_HASH } from '../../src/core/hash.ts';
import { KIND, modelId } from '../../src/core/manifest.ts';
import {
  CHANNEL_LIFETIME_MIN,
  ACCOUNT_MIN,
  createParams,
  type NetworkName,
  type Params,
} from '../../src/core/params.ts';
import type { FaultCode } from '../../src/core/faults.ts';
import { treeRoot, type Tree } from '../../src/core/tree/tree.ts';
import { inventedManifest } from '../oracle/manifests.ts';
import { without } from '../attack/without.ts';
import { firstNonce } from '../../src/core/tx/nonce.ts';
import { signTx } from '../../src/core/tx/tx.ts';
import { paramsFor } from './header/params-for.ts';

/** 32 bytes that follow from a number. */
export const bytes32 = (n: number): Uint8Array => hash('seed', Uint8Array.of(n & 255, n >> 8));

const linear = (k: number, n: number, seed: number) => ({ k, n, r: 16, weights: bytes32(seed) });

export const MANIFEST = inventedManifest({
  name: 'fixture',
  kind: KIND.classifier,
  answerSize: 2,
  labels: ['no', 'yes'],
  linears: [linear(128, 256, 10), linear(256, 128, 11)],
});
export const MODEL = modelId(MANIFEST);
export const MODELS = new Map([[toHex(MODEL), MANIFEST]]);
/** Id of the block 0 that vouchers are for. */
export const GENESIS_ID = bytes32(500);

/** When chains of these tests begin, ms since 1970. */
export const GENESIS_MS = 1_800_000_000_000;

export const paramsOf = (network: NetworkName = 'local', off: FaultCode[] = []): Params =>
  without(paramsFor(network, [toHex(MODEL)], GENESIS_MS), off);

export interface Person {
  readonly secret: Uint8Array;
  readonly key: Uint8Array;
  readonly address: Uint8Array;
}
export const person = (n: number): Person => {
  const secret = bytes32(1000 + n);
  const key = schnorr.getPublicKey(secret);
  return { secret, key, address: addressOf(key) };
};
export const [ALICE, BOB, CAROL, MINER] = [person(0), person(1), person(2), person(3)];

/** Nonce at which the leaf of whoever mined block 1 begins. */
export const BORN = firstNonce(1 + createParams('local', []).maturityBlocks);
/** A nonce as it is, or below 2^32: counted from BORN. */
type Fields<K extends Tx['type']> = Partial<Omit<TxOf<K>, 'type' | 'nonce'>> & {
  nonce?: number | bigint;
};
const signed = (tx: object, secret: Uint8Array): SignedTx => {
  const { type, nonce } = tx as { type: Tx['type']; nonce: number | bigint };
  const isCounted = type !== 'close' && nonce < 2 ** 32;
  const exact = BigInt(nonce) + (isCounted ? BORN : 0n);
  return signTx(GENESIS_ID, { ...tx, nonce: exact } as Tx, secret);
};
const common = (from: Person, params = paramsOf()) => ({
  chainId: params.chainId,
  from: from.key,
  nonce: 0n,
  expiry: 1000,
  fee: 10n,
});

export const transfer = (from: Person, fields: Fields<'transfer'> = {}): SignedTx =>
  signed(
    {
      type: 'transfer',
      ...common(from),
      to: BOB.address,
      amount: ACCOUNT_MIN,
      memo: new Uint8Array(),
      ...fields,
    },
    from.secret,
  );
/** Carol provides, and is paid herself; the asker's signer is a key of its own. */
export const SIGNER = person(50);
export const channel = (from: Person, fields: Fields<'channel'> = {}): SignedTx =>
  signed(
    {
      type: 'channel',
      ...common(from),
      provider: CAROL.key,
      payee: CAROL.address,
      signer: SIGNER.key,
      limit: ACCOUNT_MIN,
      lifetime: CHANNEL_LIFETIME_MIN,
      ...fields,
    },
    from.secret,
  );
export const voucher = (
  id: Uint8Array,
  amount: bigint,
  { signer = SIGNER, genesis = GENESIS_ID } = {},
): Uint8Array => signHash(voucherHash(genesis, id, amount), signer.secret);
export function close(
  from: Person,
  fields: Fields<'close'> & { channel: Uint8Array; amount: bigint },
): SignedTx {
  const vouched = fields.voucher ?? voucher(fields.channel, fields.amount);
  return signed({ type: 'close', ...common(from), ...fields, voucher: vouched }, from.secret);
}

/** A body, or its transactions alone. */
export type Bodies = Body | readonly SignedTx[];
export const asBody = (body: Bodies): Body => ('shares' in body ? body : bodyOf(body));

/** A header that follows every rule but the proof of work's, over a parent and the state after it. */
// eslint-disable-next-line @typescript-eslint/max-params -- what a header is made from; the last two are seldom given
export function childHeader(
  params: Params,
  parent: ChainPoint,
  tree: Tree,
  body: Bodies = [],
  fields: Partial<Header> = {},
): Header {
  const core = templateCore(params, parent, {
    timeMs: fields.time ?? parent.header.time + params.blockTimeMs,
    miner: fields.miner ?? MINER.address,
    model: 0,
    bodyRoot: bodyRoot(asBody(body)),
    stateRoot: treeRoot(tree),
  });
  return { ...core, proofDigest: ZERO_HASH, ...fields };
}

export const child = (
  params: Params,
  parent: ChainPoint,
  tree: Tree,
  body: Bodies = [],
): ChainPoint => extendPoint(params, parent, childHeader(params, parent, tree, body));
