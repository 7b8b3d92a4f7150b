/** The outbox: what waits, what is confirmed, what a reorganisation opens again. */
import { expect, test } from 'vitest';
import { createMemoryStore } from '../../src/chain/memory-store.ts';
import { Outbox } from '../../src/client/outbox.ts';
import { genesisPoint } from '../../src/core/header.ts';
import { createParams } from '../../src/core/params.ts';
import { txId } from '../../src/core/tx.ts';
import { person, transfer } from '../chain/make-blocks.ts';

const [ann, bob] = [person(1), person(2)] as const;

test('a reorganisation opens again what was confirmed above its fork', async () => {
  const store = createMemoryStore();
  const box = await Outbox.open(store);
  const [low, high] = [transfer(ann, 0, bob, 1n), transfer(ann, 1, bob, 2n)];
  for (const tx of [low, high]) await box.add(tx);
  await box.follow(5, [{ id: txId(low.tx), height: 5 }], []);
  await box.follow(6, [{ id: txId(high.tx), height: 6 }], []);
  expect(box.waiting()).toEqual([]);
  await box.reopen(5);
  for (const one of [box, await Outbox.open(store)]) expect(one.waiting()).toEqual([high]);
});

test('the block found last is there again after a restart', async () => {
  const store = createMemoryStore();
  const box = await Outbox.open(store);
  expect(box.found).toBeUndefined();
  const { header } = genesisPoint(createParams('e2e', []), 1);
  const proof = { linear: 1, tile: 2, a: [], t: [], rowPath: [], columnPath: [] };
  const empty = new Uint8Array();
  const block = { header, body: [], proof: { ...proof, rows: empty, columns: empty } };
  await box.keepFound(block);
  expect((await Outbox.open(store)).found).toEqual(block);
});
