/** Values of every message kind: well-formed bytes that mean nothing. */
import { bodyOf } from '../../src/core/tx/body.ts';
import type { Header, Proof, SignedTx } from '../../src/core/formats.ts';
import {
  MODEL_SLICE_BYTES,
  type BlockAnnounce,
  type SyncRequest,
  type SyncResponse,
} from '../../src/core/messages.ts';
import type { Offer } from '../../src/core/offer.ts';

export const hash = (n: number): Uint8Array => new Uint8Array(32).fill(n);

export const header: Header = {
  version: 2,
  knows: 2,
  height: 1,
  prevHash: hash(1),
  mmrRoot: hash(2),
  bodyRoot: hash(3),
  stateRoot: hash(4),
  miner: hash(5),
  time: 1_700_000_000_000,
  slip: 0,
  totalWork: 1000n,
  nonce: 7n,
  model: 0,
  proofDigest: hash(8),
};

export const signedTx: SignedTx = {
  tx: {
    type: 'transfer',
    chainId: 1,
    from: hash(5),
    nonce: 0n,
    expiry: 100,
    fee: 1n,
    to: hash(6),
    amount: 2n,
    memo: new Uint8Array(),
  },
  signature: new Uint8Array(64),
};

export const proof = (bytes = 100): Proof => ({
  linear: 2,
  tile: 0,
  x: [hash(1)],
  t: [hash(2)],
  a: hash(3),
  y: hash(4),
  rows: new Uint8Array(bytes),
  rowPath: [],
  columns: new Uint8Array(),
  columnPath: [],
});

export const blockAnnounce = (sequence: number): BlockAnnounce => ({
  block: { header, body: bodyOf([signedTx]), proof: proof() },
  sequence,
});

const position = { height: 1, index: 0 };

/** Each request with the answer that the tests' handler gives. */
export const EXCHANGES: readonly (readonly [SyncRequest, SyncResponse])[] = [
  [
    { type: 'status' },
    {
      type: 'status',
      genesis: header,
      head: hash(9),
      height: 1,
      totalWork: 2n ** 255n,
      agent: 'test',
    },
  ],
  [
    { type: 'headers', locator: [hash(1)], max: 512 },
    { type: 'headers', headers: Array.from({ length: 512 }, () => header) },
  ],
  [
    { type: 'blocks', ids: [hash(1)] },
    { type: 'blocks', blocks: [{ id: hash(1), body: bodyOf([signedTx]), proof: proof(60_000) }] },
  ],
  [
    { type: 'proof', block: hash(1), keys: Array.from({ length: 256 }, (_, i) => hash(i)) },
    { type: 'proof', proof: new Uint8Array(1000).fill(3) },
  ],
  [
    { type: 'witness', block: hash(1) },
    // The largest answer there is.
    { type: 'witness', proof: new Uint8Array(4 * 1024 * 1024 - 64).fill(4) },
  ],
  [{ type: 'transactions' }, { type: 'transactions', txs: [signedTx] }],
  [
    { type: 'history', address: hash(5), from: position, max: 50 },
    { type: 'history', entries: [{ position, tx: signedTx }] },
  ],
  [
    { type: 'model', id: hash(6), part: 65_535, at: 2 ** 32 - 1 },
    { type: 'model', bytes: new Uint8Array(MODEL_SLICE_BYTES).fill(5) },
  ],
];

/** An offer that was made at that time; nobody signed it. */
export const offerAt = (time: number): Offer => ({
  offer: {
    provider: new Uint8Array(32).fill(1),
    payee: new Uint8Array(32).fill(2),
    peer: new TextEncoder().encode('12D3KooWR7LFeSYZ7dsQwgSx4fRhN3HebJKN5UgRMENymFizLNsA'),
    models: [
      { model: new Uint8Array(32).fill(3), price: { type: 'sequence', amount: 5n }, window: 128 },
    ],
    queue: 0,
    waitSeconds: 0,
    time,
  },
  signature: new Uint8Array(64).fill(4),
});
