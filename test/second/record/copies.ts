/** Copies of a recorded chain with one thing changed, one for each rule that a block can break. */
import type { Body, Header, Proof, SignedTx } from '../../../src/core/formats.ts';
import { ACCOUNT_MIN, BODY_BYTES_MAX, CHANNELS_PER_EXPIRY_MAX } from '../../../src/core/params.ts';
import { bodyOf } from '../../../src/core/tx/body.ts';
import { person } from '../../chain/make-blocks.ts';
import { ANN, BOB } from './chain.ts';
import { PROVIDER, type Made, type RecordLedger } from './ledger.ts';
import type { Hearing } from './node.ts';

/** `make` gets the next block as the chain has it, and the block that it stands on. */
export interface Copy {
  readonly name: string;
  readonly make: (made: Made, on: Made, ledger: RecordLedger) => Promise<readonly Hearing[]>;
}

const flipped = (bytes: Uint8Array, at = 0): Uint8Array =>
  bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

const inHeader = (name: string, change: (header: Header, on: Made) => Partial<Header>): Copy => ({
  name,
  make: async ({ block }, on) => [
    { block: { ...block, header: { ...block.header, ...change(block.header, on) } } },
  ],
});

const inProof = (name: string, change: (proof: Proof) => Partial<Proof>): Copy => ({
  name,
  make: async ({ block }) => [
    { block: { ...block, proof: { ...block.proof, ...change(block.proof) } } },
  ],
});

const inBody = (
  name: string,
  change: (body: Body, ledger: RecordLedger, on: Made) => Body,
): Copy => ({
  name,
  make: async ({ block }, on, ledger) => [
    { block: await ledger.block({ on, body: change(block.body, ledger, on) }) },
  ],
});

/** A block with one transaction, mined. */
const inTx = (name: string, tx: (ledger: RecordLedger, on: Made) => readonly SignedTx[]): Copy => ({
  name,
  make: async (_, on, ledger) => [{ block: await ledger.block({ on, txs: tx(ledger, on) }) }],
});

const SHARE = {
  parent: 0,
  bodyRoot: ANN.address,
  miner: ANN.address,
  time: 1,
  nonce: 0n,
  knows: 2,
  model: 0,
  proofDigest: ANN.address,
  linear: 2,
  tile: 0,
};

const stranger = person(99);

const HEADERS: readonly Copy[] = [
  inHeader('header.version', () => ({ version: 1 })),
  inHeader('header.knows', () => ({ knows: 1 })),
  inHeader('header.parent-unknown', ({ prevHash }) => ({ prevHash: flipped(prevHash) })),
  inHeader('header.height', ({ height }) => ({ height: height + 1 })),
  inHeader('header.mmr-root', ({ mmrRoot }) => ({ mmrRoot: flipped(mmrRoot) })),
  inHeader('header.time-order', (_, on) => ({ time: on.point.header.time })),
  {
    name: 'header.time-future',
    make: async ({ block }) => [{ block, clock: block.header.time - 10_001 }],
  },
  inHeader('header.slip', ({ slip }) => ({ slip: slip + 1 })),
  inHeader('header.total-work', ({ totalWork }) => ({ totalWork: totalWork + 1n })),
  inHeader('header.model', () => ({ model: 1 })),
];

const PROOFS: readonly Copy[] = [
  inProof('proof.shape: linear 1', () => ({ linear: 1, x: [], t: [] })),
  inProof('proof.shape: no such tile', () => ({ tile: 100_000 })),
  inProof('proof.shape: a hash too many', ({ t }) => ({ t: [...t, t[0]!] })),
  inHeader('proof.digest: of the header', ({ proofDigest }) => ({
    proofDigest: flipped(proofDigest),
  })),
  inProof('proof.digest: a witness', ({ y }) => ({ y: flipped(y) })),
  inProof('proof.range', ({ rows }) => ({ rows: rows.map((v, i) => (i ? v : 64)) })),
  inProof('proof.rows', ({ rows }) => ({ rows: rows.map((v, i) => (i ? v : v === 1 ? 2 : 1)) })),
  inProof('proof.rows: the path', ({ rowPath }) => ({ rowPath: rowPath.slice(1) })),
  inProof('proof.columns', ({ columns }) => ({
    columns: columns.map((v, i) => (i ? v : v === 1 ? 2 : 1)),
  })),
  inProof('proof.columns: the path', ({ columnPath }) => ({
    columnPath: columnPath.map((node) => flipped(node)),
  })),
  {
    name: 'proof.target',
    make: async (_, on, ledger) => [{ block: await ledger.block({ on, lie: 'no-winner' }) }],
  },
  ...(
    [
      ['proof.activations', 'tokens'],
      ['proof.transcript', 'transcript'],
      ['proof.earlier-winner', 'later-winner'],
    ] as const
  ).map(([name, lie]): Copy => ({
    name,
    make: async (_, on, ledger) => [{ block: await ledger.block({ on, lie }), replay: true }],
  })),
];

const BODIES: readonly Copy[] = [
  inBody('body.size', ({ transactions }, ledger, on) => {
    const long = ledger.pay(on, ANN, BOB, 1n, { memo: new Uint8Array(64) });
    const many = Math.ceil(BODY_BYTES_MAX / 180);
    const more = Array.from({ length: many }, (_, i) => {
      const fee = BigInt(i);
      return { ...long, tx: { ...long.tx, fee } };
    });
    return bodyOf([...transactions, ...more]);
  }),
  inBody('body.duplicate', (_, ledger, on) => {
    const tx = ledger.pay(on, ANN, BOB, 1n);
    return bodyOf([tx, tx]);
  }),
  inBody('body.shares', (body) => ({ ...body, shares: [SHARE] })),
  inBody('body.votes', (body) => ({ ...body, votes: [{ back: 1, mask: 1 }] })),
  {
    name: 'body.root',
    make: async ({ block }, on, ledger) => [
      { block: { ...block, body: bodyOf([ledger.pay(on, ANN, BOB, 1n)]) } },
    ],
  },
];

const STATE: readonly Copy[] = [
  {
    name: 'header.state-root',
    make: async (_, on, ledger) => {
      const fields = { stateRoot: flipped(on.point.header.stateRoot) };
      return [{ block: await ledger.block({ on, fields }) }];
    },
  },
  {
    name: 'header.known-invalid',
    make: async (_, on, ledger) => {
      const txs = [ledger.pay(on, stranger, BOB, 1n)];
      const bad = await ledger.block({ on, txs });
      const child = await ledger.block({
        on: { ...on, block: bad, point: ledger.after(on, bad) },
      });
      return [{ block: bad }, { block: child }];
    },
  },
];

const TXS: readonly Copy[] = [
  inTx('tx.chain', (l, on) => [l.pay(on, ANN, BOB, 1n, { chainId: 3 })]),
  inTx('tx.expired', (l, on) => [l.pay(on, ANN, BOB, 1n, { expiry: on.point.header.height })]),
  inTx('tx.expiry-far', (l, on) => [
    l.pay(on, ANN, BOB, 1n, { expiry: on.point.header.height + 1442 }),
  ]),
  inTx('tx.amount', (l, on) => [l.pay(on, ANN, BOB, 0n)]),
  inTx('tx.nonce', (l, on) => [l.pay(on, ANN, BOB, 1n, { nonce: 1n })]),
  inTx('tx.balance', (l, on) => [l.pay(on, ANN, BOB, 1_000_000_000_000n)]),
  inTx('tx.signature', (l, on) => {
    const signed = l.pay(on, ANN, BOB, 1n);
    return [{ ...signed, signature: flipped(signed.signature, 40) }];
  }),
  inTx('tx.dust', (l, on) => [l.pay(on, ANN, stranger, ACCOUNT_MIN - 1n)]),
  inTx('tx.channel-limit', (l, on) => [l.open(on, ANN, { limit: ACCOUNT_MIN - 1n })]),
  inTx('tx.channel-lifetime: short', (l, on) => [l.open(on, ANN, { lifetime: 59 })]),
  inTx('tx.channel-lifetime: long', (l, on) => [l.open(on, ANN, { lifetime: 20_161 })]),
  inTx('tx.channel-full', (l, on) => {
    const first = l.account(on, ANN.address)!.nonce;
    return Array.from({ length: CHANNELS_PER_EXPIRY_MAX + 1 }, (_, i) =>
      l.open(on, ANN, { limit: ACCOUNT_MIN, nonce: first + BigInt(i) }),
    );
  }),
  inTx('tx.close-nonce', (l, on) => opened(l, on, (o) => l.close(on, o, 5000n, { nonce: 1n }))),
  inTx('tx.close-fee', (l, on) => opened(l, on, (o) => l.close(on, o, 999n))),
  inTx('tx.close-unknown', (l, on) => [l.close(on, l.open(on, ANN), 5000n)]),
  inTx('tx.close-provider', (l, on) =>
    opened(l, on, (o) => {
      const { tx } = l.close(on, o, 5000n);
      return l.sign(on, BOB, { ...tx, from: BOB.xonly });
    }),
  ),
  inTx('tx.close-amount', (l, on) => opened(l, on, (o) => l.close(on, o, 10n * ACCOUNT_MIN + 1n))),
  inTx('tx.close-voucher', (l, on) =>
    opened(l, on, (o) => l.close(on, o, 5000n, { amount: 5001n })),
  ),
  // The same coins twice, of which the second are no more there.
  inTx('tx.nonce: the second of two', (l, on) => [
    l.pay(on, ANN, BOB, 1n),
    l.pay(on, ANN, BOB, 2n),
  ]),
  // A leaf made anew begins at its height: an old nonce of it is none.
  inTx('tx.nonce: of a leaf that went', (l, on) => {
    const { nonce } = l.account(on, PROVIDER.address)!;
    return [l.pay(on, PROVIDER, BOB, 1n, { nonce: nonce & 0xffff_ffffn })];
  }),
];

/** An opening, and a close in the same block. */
const opened = (
  ledger: RecordLedger,
  on: Made,
  close: (opening: SignedTx) => SignedTx,
): readonly SignedTx[] => {
  const opening = ledger.open(on, ANN);
  return [opening, close(opening)];
};

export const COPIES: readonly Copy[] = [...HEADERS, ...PROOFS, ...BODIES, ...STATE, ...TXS];
