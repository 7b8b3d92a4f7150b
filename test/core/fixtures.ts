/** Small, fixed material for tests of the core: a model, a network, people with keys, blocks. */
import { schnorr } from '@noble/curves/secp256k1.js';
import { toHex } from '../../src/lib/bytes.ts';
import { addressOf } from '../../src/core/address.ts';
import { bodyRoot } from '../../src/core/tx/body.ts';
import type { Body, Header, SignedTx, Tx, TxOf } from '../../src/core/formats.ts';
import { extendPoint, templateCore, type ChainPoint } from '../../src/core/header/header.ts';
import { signHash, voucherHash } from '../../src/core/channel.ts';
import { hash, ZERO_HASH } from '../../src/core/hash.ts';
import { modelId, type Manifest } from '../../src/core/manifest.ts';
import { chainParams } from '../../src/core/chain-params.ts';
import {
  CHANNEL_LIFETIME_MIN,
  CHANNEL_LIMIT_MIN,
  type NetworkName,
  type Params,
} from '../../src/core/params.ts';
import type { FaultCode } from '../../src/core/faults.ts';
import { treeRoot, type Tree } from '../../src/core/tree/tree.ts';
import { without } from '../attack/without.ts';
import { signTx } from '../../src/core/tx/tx.ts';

/** 32 bytes that follow from a number. */
export const bytes32 = (n: number): Uint8Array => hash('seed', Uint8Array.of(n & 255, n >> 8));

const linear = (k: number, n: number, seed: number) => ({
  m: 32,
  k,
  n,
  r: 16,
  weights: bytes32(seed),
});

export const MANIFEST: Manifest = {
  version: 1,
  name: 'fixture',
  sequences: 4,
  tokens: 8,
  vocabulary: 257,
  packing: 'bytes',
  answerSize: 2,
  labels: ['no', 'yes'],
  segments: [1, 2, 3].map((n) => ({ hash: bytes32(n), size: n })),
  linears: [linear(128, 256, 10), linear(256, 128, 11)],
  kappa64: 48,
  knownAnswer: [bytes32(20), bytes32(21)],
  tokenizer: null,
};
export const MODEL = modelId(MANIFEST);
export const MODELS = new Map([[toHex(MODEL), MANIFEST]]);
/** Id of the block 0 that vouchers are for. */
export const GENESIS_ID = bytes32(500);

export const paramsOf = (network: NetworkName = 'local', off: FaultCode[] = []): Params =>
  without(chainParams(network, [toHex(MODEL)]), off);

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

type Fields<K extends Tx['type']> = Partial<Omit<TxOf<K>, 'type'>>;
const common = (from: Person, params = paramsOf()) => ({
  chainId: params.chainId,
  from: from.key,
  nonce: 0,
  expiry: 1000,
  fee: 10n,
});

export const transfer = (from: Person, fields: Fields<'transfer'> = {}): SignedTx =>
  signTx(
    {
      type: 'transfer',
      ...common(from),
      to: BOB.address,
      amount: 5n,
      memo: new Uint8Array(),
      ...fields,
    },
    from.secret,
  );
/** Carol provides, and is paid herself; the asker's signer is a key of its own. */
export const SIGNER = person(50);
export const channel = (from: Person, fields: Fields<'channel'> = {}): SignedTx =>
  signTx(
    {
      type: 'channel',
      ...common(from),
      provider: CAROL.key,
      payee: CAROL.address,
      signer: SIGNER.key,
      limit: CHANNEL_LIMIT_MIN,
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
  const signed = fields.voucher ?? voucher(fields.channel, fields.amount);
  return signTx({ type: 'close', ...common(from), ...fields, voucher: signed }, from.secret);
}

/** A header that follows every rule but the proof of work's, over a parent and the state after it. */
// eslint-disable-next-line @typescript-eslint/max-params -- what a header is made from; the last two are seldom given
export function childHeader(
  params: Params,
  parent: ChainPoint,
  tree: Tree,
  body: Body = [],
  fields: Partial<Header> = {},
): Header {
  const core = templateCore(params, parent, {
    timeMs: fields.time ?? parent.header.time + params.blockTimeMs,
    miner: fields.miner ?? MINER.address,
    modelId: MODEL,
    bodyRoot: bodyRoot(body),
    stateRoot: treeRoot(tree),
  });
  return { ...core, proofDigest: ZERO_HASH, ...fields };
}

export const child = (
  params: Params,
  parent: ChainPoint,
  tree: Tree,
  body: Body = [],
): ChainPoint => extendPoint(params, parent, childHeader(params, parent, tree, body));
