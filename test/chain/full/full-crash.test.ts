/** A full chain killed at each write, before or after it lands: a reopen finds whole blocks only. */
import { expect, it } from 'vitest';
import { FULL_SCHEMA } from '../../../src/chain/full/records.ts';
import { formatPut } from '../../../src/chain/store/format-marker.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { Store } from '../../../src/chain/store/store.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { expectConsistent } from '../full-invariants.ts';
import { MODEL, mine, openChain, PARAMS, person, START_MS, transfer } from '../make-blocks.ts';

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

it('begins anew also when killed at any write while an older chain goes', async () => {
  const format = { kind: 'full', schema: FULL_SCHEMA - 1, chainId: PARAMS.chainId } as const;
  const old = createMemoryStore();
  await mine(await openChain(old), ann, 40);
  await old.batch([formatPut(format, MODEL)]);
  const rows = await old.range('', '\x7f');
  for (let kill = 0, killed = true; killed; kill++) {
    const store = createMemoryStore();
    await store.batch(rows);
    let writes = 0;
    killed = false;
    const batch: Store['batch'] = async (puts, durable) => {
      if (writes++ >= kill) throw new Error((killed = true) && 'killed');
      await store.batch(puts, durable);
    };
    const dying: Store = {
      ...store,
      batch,
      // As LevelDB does it.
      async clear() {
        for (let left = await store.range('', '\x7f', 100); left.length;) {
          await batch(left.map(({ key }) => ({ key, value: undefined })));
          left = await store.range('', '\x7f', 100);
        }
      },
    };
    await openChain(dying).catch(() => undefined);
    const again = await openChain(store);
    expect(again.head().header.height).toBe(0);
    await expectConsistent(store);
  }
});
