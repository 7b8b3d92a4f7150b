/** A full chain killed at each write, before or after it lands: a reopen finds whole blocks only. */
import { expect, it } from 'vitest';
import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import type { Store } from '../../src/chain/store/store.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { expectConsistent } from './full-invariants.ts';
import { mine, openChain, person, START_MS, transfer } from './make-blocks.ts';

const [ann, bob] = [person(1), person(2)] as const;

it.each(['before', 'after'])('is consistent when killed %s any write', async (when) => {
  const a = await openChain();
  const past = await mine(a, ann, 4);
  const b = await openChain();
  for (const block of past) await b.importBlock(block);
  await a.addTx(transfer(ann, 0, bob, 5n));
  const left = await mine(a, ann, 2, { salt: 1 });
  await b.addTx(transfer(ann, 0, bob, 9n));
  const right = await mine(b, bob, 3, { salt: 2 });
  const blocks = [...past, ...left, ...right];
  const genesis = await b.header(0);
  expect(genesis!.time).toBe(START_MS);
  for (let kill = 0, killed = true; killed; kill++) {
    const store = createMemoryStore();
    let writes = 0;
    killed = false;
    const dying: Store = {
      ...store,
      async batch(puts, durable) {
        const now = writes++ >= kill;
        if (!now || when === 'after') await store.batch(puts, durable);
        if (now) throw new Error((killed = true) && 'killed');
      },
    };
    const feed = async (at: Store) => {
      const chain = await openChain(at);
      for (const block of blocks) await chain.importBlock(block);
      return chain;
    };
    await feed(dying).catch(() => undefined);
    if (await store.get('format')) await expectConsistent(store);
    const again = await feed(store);
    expect(toHex(again.head().id)).toBe(toHex(b.head().id));
    await expectConsistent(store);
  }
});
