/** The outbox: what waits, what is confirmed, what a reorganisation opens again. */
import { bodyOf } from '../../../src/core/tx/body.ts';
import { expect, test } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { Outbox } from '../../../src/client/wallet/outbox.ts';
import type { SignedTx } from '../../../src/core/formats.ts';
import { genesisPoint } from '../../../src/core/header/header.ts';
import { createParams } from '../../../src/core/params.ts';
import { txId } from '../../../src/core/tx/tx.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { GENESIS_ID, person, transfer } from '../../chain/make-blocks.ts';

const [ann, bob] = [person(1), person(2)] as const;

const openBox = async (store = createMemoryStore()): Promise<Outbox> => {
  const box = await Outbox.open(store);
  await box.belongTo(GENESIS_ID);
  return box;
};

test('a reorganisation opens again what was confirmed above its fork', async () => {
  const store = createMemoryStore();
  const box = await openBox(store);
  const [low, high] = [transfer(ann, 0, bob, 1n), transfer(ann, 1, bob, 2n)];
  for (const tx of [low, high]) await box.add(tx);
  await box.noteHead(5, [{ id: txId(GENESIS_ID, low.tx), height: 5 }]);
  await box.noteHead(6, [{ id: txId(GENESIS_ID, high.tx), height: 6 }]);
  expect(box.waiting()).toEqual([]);
  await box.reopen(5);
  for (const one of [box, await Outbox.open(store)]) expect(one.waiting()).toEqual([high]);
});

test('what was sent on another chain is forgotten, and not sent again', async () => {
  const store = createMemoryStore();
  const box = await openBox(store);
  const [before, after] = [transfer(ann, 0, bob, 1n), transfer(ann, 0, bob, 2n)];
  await box.add(before);
  await box.noteHead(5, [{ id: txId(GENESIS_ID, before.tx), height: 5 }]);
  const left = ['tx/old', `balance/${toHex(ann.address)}`];
  await store.batch(left.map((key) => ({ key, value: Uint8Array.of(1) })));

  await box.belongTo(new Uint8Array(32).fill(1));
  await box.reopen(0);
  for (const one of [box, await Outbox.open(store)]) expect(one.all()).toEqual([]);
  for (const key of left) expect(await store.get(key), key).toBeUndefined();

  await box.add(after);
  const later = await Outbox.open(store);
  await later.belongTo(new Uint8Array(32).fill(1));
  expect(later.waiting()).toEqual([after]);
  await later.belongTo(new Uint8Array(32).fill(2));
  expect(later.waiting()).toEqual([]);
});

test('the block found last is there again after a restart', async () => {
  const store = createMemoryStore();
  const box = await openBox(store);
  expect(box.found).toBeUndefined();
  const { header } = genesisPoint(createParams('e2e'), 1);
  const hash = new Uint8Array(32);
  const proof = {
    linear: 2,
    tile: 2,
    x: [hash],
    t: [hash],
    a: hash,
    y: hash,
    rowPath: [],
    columnPath: [],
  };
  const empty = new Uint8Array();
  const block = { header, body: bodyOf(), proof: { ...proof, rows: empty, columns: empty } };
  await box.keepFound(block);
  expect((await Outbox.open(store)).found).toEqual(block);
});

test('of one nonce only the dearest is told; when one is confirmed the others are replaced', async () => {
  const store = createMemoryStore();
  const box = await openBox(store);
  const cheap = transfer(ann, 0, bob, 5n, 1_000n);
  const dear = transfer(ann, 0, ann, 1n, 1_100n);
  const [next, other] = [transfer(ann, 1, bob, 2n), transfer(bob, 0, ann, 3n)];
  for (const tx of [cheap, dear, next, other]) await box.add(tx);
  const stateOf = (from: Outbox, tx: SignedTx) =>
    from.all().find(({ id }) => toHex(id) === toHex(txId(GENESIS_ID, tx.tx)))?.state;
  expect(box.waiting()).toEqual([dear, other, next]);
  expect(box.unsettled().length).toBe(4);
  await box.noteHead(5, [{ id: txId(GENESIS_ID, cheap.tx), height: 5 }]);
  expect([cheap, dear, next].map((tx) => stateOf(box, tx))).toEqual([
    'confirmed',
    'replaced',
    'pending',
  ]);
  // The block is abandoned, and the dearer one is in the next.
  await box.reopen(4);
  expect(box.waiting()).toEqual([dear, other, next]);
  await box.noteHead(5, [{ id: txId(GENESIS_ID, dear.tx), height: 5 }]);
  const later = await Outbox.open(store);
  for (const one of [box, later])
    expect([stateOf(one, cheap), stateOf(one, dear)]).toEqual(['replaced', 'confirmed']);
  await box.noteHead(106, []);
  expect([stateOf(box, cheap), stateOf(box, dear)]).toEqual([undefined, undefined]);
});

test('500 are kept; then what is settled makes room, and what waits does not', async () => {
  const box = await openBox(createMemoryStore());
  for (let nonce = 0; nonce < 500; nonce++) await box.add(transfer(ann, nonce, bob, 1n));
  const more = [transfer(ann, 500, bob, 1n), transfer(ann, 501, bob, 1n)] as const;
  await expect(box.add(more[0])).rejects.toMatchObject({ code: 'OUTBOX_FULL' });
  await box.noteHead(5, [{ id: box.all()[7]!.id, height: 5 }]);
  await box.add(more[0]);
  await expect(box.add(more[1])).rejects.toMatchObject({ code: 'OUTBOX_FULL' });
  expect(box.all().length).toBe(500);
});
