/** The pool of a light client that knows a few leaves of a large state. */
import { expect, test } from 'vitest';
import { createLightPool } from '../../../src/client/wallet/light-pool.ts';
import { VerifiedSignatures } from '../../../src/chain/shared/verified-signatures.ts';
import { encode } from '../../../src/core/codec.ts';
import { Account, type Header } from '../../../src/core/formats.ts';
import { stateKey } from '../../../src/core/tree/keys.ts';
import {
  EMPTY_TREE,
  proveKeys,
  treeFromProof,
  treeSet,
  type Tree,
} from '../../../src/core/tree/tree.ts';
import { isFault } from '../../../src/core/faults.ts';
import { BORN, CONTEXT, PARAMS, person, prepay, transfer } from '../../chain/make-blocks.ts';

const [ann, bob] = [person(1), person(2)] as const;
const HEIGHT = 50;
const head = { height: HEIGHT } as Header;
/** What every next block reads: what matures, and what ends. */
const NEXT = [
  stateKey.coinbase(HEIGHT + 1 - PARAMS.maturityBlocks),
  stateKey.channelsEnding(HEIGHT + 1),
];

const rich = encode(Account, {
  balance: 10n ** 12n,
  nonce: BORN,
  txCount: 0,
  lastTx: { height: 0, index: 0 },
});
const state = [ann, bob]
  .map(({ address }) => stateKey.account(address))
  .concat(Array.from({ length: 1000 }, (_, i) => stateKey.coinbase(1000 + i)))
  .reduce<Tree>((tree, key) => treeSet(tree, key, rich), EMPTY_TREE);

function opened(keys: readonly Uint8Array[]): Tree {
  const tree = treeFromProof(proveKeys(state, [...NEXT, ...keys]));
  if (isFault(tree)) throw new Error('a proof of our own');
  return tree;
}

test('what it says it lacks for an opening is enough to judge it', () => {
  const pool = createLightPool(PARAMS, CONTEXT);
  pool.setHead(head, opened([]));
  const opening = prepay(ann, 0, bob);
  expect(pool.add(opening, HEIGHT)).toBeUndefined();
  expect(pool.of(ann.address)).toEqual([]);
  pool.setHead(head, opened(pool.missing(HEIGHT)));
  expect(pool.of(ann.address)).toEqual([opening]);
});

test('an opening that can’t be judged yet takes no coins and no nonce of its sender', () => {
  const pool = createLightPool(PARAMS, CONTEXT);
  const accounts = [ann, bob].map(({ address }) => stateKey.account(address));
  const opening = prepay(ann, 1, bob);
  const ends = stateKey.channelsEnding(HEIGHT + 1 + 60);
  pool.setHead(head, opened([...accounts, ends]));
  pool.add(transfer(ann, 0, bob, 1n), HEIGHT);
  expect(pool.add(opening, HEIGHT)).toBeUndefined();
  expect(pool.add(transfer(ann, 2, bob, 1n), HEIGHT)).toMatchObject({ fault: 'tx.nonce' });
  expect(pool.of(ann.address).map(({ tx }) => tx.nonce)).toEqual([BORN]);
});

test('where nothing has changed nothing is executed again, at a poll or when more of the state is known', () => {
  const executed: string[] = [];
  const verified = new VerifiedSignatures(CONTEXT.genesis);
  // Asked once for each execution.
  verified.has = ({ tx }) => (executed.push(`${tx.type} ${tx.nonce - BORN}`), true);
  const pool = createLightPool(PARAMS, CONTEXT, verified);
  const [annKey, bobKey] = [ann, bob].map(({ address }) => stateKey.account(address)) as [
    Uint8Array,
    Uint8Array,
  ];
  const some = opened([annKey, bobKey]);
  pool.setHead(head, some);
  const payments = [0, 1].map((nonce) => transfer(ann, nonce, bob, 1n));
  for (const tx of payments) expect(pool.add(tx, HEIGHT)).toBeUndefined();
  const opening = prepay(bob, 0, ann);
  expect(pool.add(opening, HEIGHT)).toBeUndefined();
  expect(pool.of(bob.address)).toEqual([]);

  executed.length = 0;
  pool.setHead(head, some);
  expect(executed).toEqual([]);
  pool.setHead(head, opened([annKey, bobKey, ...pool.missing(HEIGHT)]));
  expect(new Set(executed)).toEqual(new Set(['channel 0']));
  expect(pool.of(bob.address)).toEqual([opening]);
  expect(pool.of(ann.address)).toEqual(payments);

  // Another head is another matter, and so is what an abandoned block gives back.
  executed.length = 0;
  pool.setHead({ ...head }, some);
  expect(executed).toContain('transfer 0');
  executed.length = 0;
  pool.setHead(head, some, [transfer(bob, 0, ann, 2n)]);
  expect(executed).toContain('transfer 0');
});
