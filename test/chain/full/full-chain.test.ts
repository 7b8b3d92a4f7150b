/** The full chain: imports, branches, reorganisations, what it refuses, what it answers. */
import { describe, expect, it } from 'vitest';
import { QUEUE_MAX } from '../../../src/chain/full/full-chain.ts';
import { FULL_SCHEMA } from '../../../src/chain/full/records.ts';
import { formatPut } from '../../../src/chain/store/format-marker.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { answer } from '../../../src/chain/shared/answer.ts';
import { bodyOf, bodyRoot } from '../../../src/core/tx/body.ts';
import { fault, isFault, penaltyOf } from '../../../src/core/faults.ts';
import { blockId, genesisTree } from '../../../src/core/header/header.ts';
import { stateKey } from '../../../src/core/tree/keys.ts';
import type { Block, ResponseTo, SyncRequest } from '../../../src/core/messages.ts';
import { executeBlock } from '../../../src/core/state.ts';
import { isWhole, treeFromProof, treeGet, treeRoot } from '../../../src/core/tree/tree.ts';
import { signTx, txId } from '../../../src/core/tx/tx.ts';
import { equal, toHex } from '../../../src/lib/bytes.ts';
import { expectConsistent, sumOfBalances } from '../full-invariants.ts';
import {
  BORN,
  GENESIS_ID,
  idOf,
  mine,
  MODEL,
  CONTEXT,
  nextBlock,
  openChain,
  PARAMS,
  person,
  START_MS,
  transfer,
} from '../make-blocks.ts';

const [ann, bob, cat] = [person(1), person(2), person(3)] as const;
const status = (result: object) => ('status' in result ? result.status : result);

/** Two chains with one past of `common` blocks. */
async function twins(common: number) {
  const clock = { ms: START_MS };
  const [a, b] = [
    await openChain(createMemoryStore(), clock),
    await openChain(createMemoryStore(), clock),
  ];
  for (const block of await mine(a, ann, common)) await b.importBlock(block);
  return { a, b, clock };
}

describe('import', () => {
  it('extends, knows what it has, and calls a block without parent an orphan', async () => {
    const store = createMemoryStore();
    const chain = await openChain(store);
    const [first] = await mine(chain, ann, 1);
    expect(status(await chain.importBlock(first!))).toBe('known');
    const other = await openChain();
    await mine(other, bob, 1);
    const [, orphan] = [null, nextBlock(other, bob)];
    expect(status(await chain.importBlock(orphan))).toBe('orphan');
    await expectConsistent(store);
  });

  it('keeps the first seen of two equals, then follows the most work', async () => {
    const { a, b } = await twins(4);
    const store = createMemoryStore();
    const chain = await openChain(store);
    const shared = (await Promise.all([1, 2, 3, 4].map((h) => a.header(h)))).map((h) =>
      blockId(h!),
    );
    for (const id of shared) await chain.importBlock((await a.block(id))!);
    const [a1] = await mine(a, ann, 1, { salt: 1 });
    const [b1, b2] = await mine(b, bob, 2, { salt: 2 });
    const events: unknown[] = [];
    chain.subscribe((e) => e.type === 'head' && events.push([e.reverted.length, e.adopted.length]));
    expect(status(await chain.importBlock(a1!))).toBe('extended');
    expect(status(await chain.importBlock(b1!))).toBe('side');
    expect(await chain.importBlock(b2!)).toEqual({ status: 'reorganised', reverted: 1 });
    expect(events).toEqual([
      [0, 1],
      [1, 2],
    ]);
    expect(equal(chain.head().id, b.head().id)).toBe(true);
    const tips = chain.tips().map(({ tip, branchLength }) => [toHex(tip.id), branchLength]);
    expect(tips).toEqual([
      [idOf(b2!), 0],
      [idOf(a1!), 1],
    ]);
    await expectConsistent(store);
  });

  it('lets go of what waits where blocks of others, or their leaving, change its sender', async () => {
    const { a, b } = await twins(5);
    const paid = transfer(ann, 0, bob, 1_000_000_000n);
    await a.addTx(paid);
    await mine(a, ann, 1);
    // Bob has what that block gave him, and nothing else.
    const { nonce } = a.account(bob.address)!;
    expect(await a.addTx(transfer(bob, nonce, cat, 1n))).toBeUndefined();
    expect(await a.addTx(transfer(ann, 1, cat, 1n))).toBeUndefined();

    const other = transfer(ann, 0, cat, 5n);
    await b.addTx(other);
    for (const block of await mine(b, ann, 2, { salt: 7 })) await a.importBlock(block);
    expect(a.head().id).toEqual(b.head().id);
    // The one that left stands no more, bob's coins are gone, and ann's next one still follows.
    expect(a.mempool.of(bob.address)).toEqual([]);
    expect(a.mempool.of(ann.address).map(({ tx }) => tx.nonce)).toEqual([BORN + 1n]);

    await b.addTx(transfer(ann, 1, bob, 9n));
    for (const block of await mine(b, ann, 1)) await a.importBlock(block);
    expect(a.mempool.size).toBe(0);
  });

  it('remembers a block that is invalid on execution, and refuses its children', async () => {
    const { a, b } = await twins(5);
    const good = nextBlock(a, ann, { salt: 5 });
    // Of an account that is not there, whose nonce is 0.
    const unpaid = signTx(GENESIS_ID, { ...transfer(cat, 0, bob, 1n).tx, nonce: 0n }, cat.secret);
    const bad: Block = {
      ...good,
      header: { ...good.header, bodyRoot: bodyRoot(bodyOf([unpaid])) },
      body: bodyOf([unpaid]),
    };
    const refused = await b.importBlock(bad);
    expect(refused).toMatchObject({ fault: 'tx.balance' });
    // Alone it costs its sender nothing; in a block it does.
    expect(penaltyOf(fault('tx.balance'))).toBe(0);
    expect(isFault(refused) && penaltyOf(refused)).toBe(10);
    expect(await b.importBlock(bad)).toMatchObject({ fault: 'header.known-invalid' });
    const child = { ...good, header: { ...good.header, height: 7, prevHash: blockId(bad.header) } };
    expect(await b.importBlock(child)).toMatchObject({ fault: 'header.known-invalid' });
    expect(status(await b.importBlock(good))).toBe('extended');
  });

  it('drops a branch whose stored middle turns out invalid, and stays on its head', async () => {
    const store = createMemoryStore();
    const { a, b } = await twins(3);
    // This chain does not check what the other calls invalid: it builds the bad branch.
    const lax = await openChain(createMemoryStore());
    const strict = await openChain(
      store,
      { ms: START_MS },
      {
        checkProof: async ({ header }) =>
          header.nonce === 66n ? fault('proof.activations') : undefined,
      },
    );
    for (const chain of [lax, strict])
      for (let h = 1; h <= 3; h++)
        await chain.importBlock((await a.block(blockId((await a.header(h))!)))!);
    const honest = await mine(b, bob, 2, { salt: 1 });
    const [bad] = await mine(lax, cat, 1, { salt: 66 });
    const above = await mine(lax, cat, 2, { salt: 2 });
    for (const block of honest) await strict.importBlock(block);
    expect(status(await strict.importBlock(bad!))).toBe('side');
    expect(status(await strict.importBlock(above[0]!))).toBe('side');
    expect(await strict.importBlock(above[1]!)).toMatchObject({ fault: 'header.known-invalid' });
    expect(await strict.importBlock(above[0]!)).toMatchObject({ fault: 'header.known-invalid' });
    expect(toHex(strict.head().id)).toBe(idOf(honest[1]!));
    await expectConsistent(store);
  });

  it('marks no id invalid for a bad witness or a wrong body', async () => {
    let badWitness = true;
    const chain = await openChain(
      createMemoryStore(),
      { ms: START_MS },
      {
        verifyProof: () => (badWitness ? fault('proof.rows') : undefined),
      },
    );
    const block = nextBlock(chain, ann);
    expect(await chain.importBlock(block)).toMatchObject({ fault: 'proof.rows' });
    badWitness = false;
    const swapped = { ...block, body: bodyOf([transfer(ann, 0, bob, 1n)]) };
    expect(await chain.importBlock(swapped)).toMatchObject({ fault: 'body.root' });
    expect(status(await chain.importBlock(block))).toBe('extended');
  });

  it('refuses a wrong state root', async () => {
    const chain = await openChain();
    const block = nextBlock(chain, ann);
    const wrong: Block = { ...block, header: { ...block.header, stateRoot: MODEL } };
    expect(await chain.importBlock(wrong)).toMatchObject({ fault: 'header.state-root' });
  });

  it('bounds what waits', async () => {
    const chain = await openChain();
    const block = nextBlock(chain, ann);
    const results = await Promise.allSettled(
      Array.from({ length: 300 }, () => chain.importBlock(block)),
    );
    const refused = results.filter((r) => r.status === 'rejected');
    expect(refused).toHaveLength(300 - 256);
    expect(refused[0]).toMatchObject({ reason: { code: 'CHAIN_BUSY' } });
  });
});

describe('database', () => {
  it('closes also while as much waits as may', async () => {
    const store = createMemoryStore();
    const chain = await openChain(store);
    const block = nextBlock(chain, ann);
    const taken = Array.from({ length: QUEUE_MAX }, () => chain.importBlock(block));
    await expect(chain.importBlock(block)).rejects.toMatchObject({ code: 'CHAIN_BUSY' });
    await chain.close();
    expect((await Promise.all(taken)).map(status).slice(0, 2)).toEqual(['extended', 'known']);
    await expect(store.get('head')).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  });

  it('opens where it was closed, branches included, and goes on', async () => {
    const store = createMemoryStore();
    const chain = await openChain(store);
    await mine(chain, ann, 4);
    const side = nextBlock(chain, bob, { salt: 7 });
    const sideChild = await (async () => {
      const fork = await openChain();
      for (let h = 1; h <= 4; h++)
        await fork.importBlock((await chain.block(blockId((await chain.header(h))!)))!);
      await fork.importBlock(side);
      return nextBlock(fork, bob, { salt: 8 });
    })();
    await mine(chain, ann, 1);
    expect(status(await chain.importBlock(side))).toBe('side');
    const again = await openChain(store);
    expect(again.head()).toEqual(chain.head());
    expect(again.stats()).toEqual(chain.stats());
    // Of two with the same work the head is the first, in whatever order they were read.
    expect(again.tips().map(({ branchLength }) => branchLength)).toEqual([0, 1]);
    expect(again.tips()).toEqual(chain.tips());
    expect(await again.importBlock(sideChild)).toEqual({ status: 'reorganised', reverted: 1 });
    await expectConsistent(store);
  });

  it('refuses a foreign database with one sentence', async () => {
    const store = createMemoryStore();
    await openChain(store);
    const other = { ...PARAMS, chainId: 99 };
    await expect(openChain(store, { ms: 0 }, { params: other })).rejects.toMatchObject({
      code: 'STORE_FOREIGN',
      message: 'This database is of chain 4, not 99.',
    });
    const junk = createMemoryStore();
    await junk.batch([{ key: 'x', value: new Uint8Array(1) }]);
    await expect(openChain(junk)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });

  it('begins anew where an older program wrote, and says so; refuses what a newer one wrote', async () => {
    const store = createMemoryStore();
    const chain = await openChain(store);
    await mine(chain, ann, 3);
    const written = (schema: number) =>
      store.batch([formatPut({ kind: 'full', schema, chainId: PARAMS.chainId }, MODEL)]);
    await written(FULL_SCHEMA + 1);
    await expect(openChain(store)).rejects.toMatchObject({ code: 'STORE_FOREIGN' });

    await written(FULL_SCHEMA - 1);
    const offline = { genesisTimeMs: () => Promise.reject(new Error('no peer')) };
    await expect(openChain(store, undefined, offline)).rejects.toThrow('no peer');
    // Nothing of it goes before there is something to begin with.
    expect(await store.get('head')).toEqual(chain.head().id);
    const again = await openChain(store);
    expect(again.replaced).toMatchObject({
      code: 'STORE_OLD',
      message:
        'The stored chain has format 4, this program writes 5: it begins anew. Keys and settings stay.',
    });
    expect(again.head().header.height).toBe(0);
    await expectConsistent(store);
    expect((await openChain(store)).replaced).toBeUndefined();
  });

  it.each(['s/', 'n/0000000003', 'u/', 'head', 'c/0000000000'])(
    'notices that %s is gone',
    async (prefix) => {
      const store = createMemoryStore();
      await mine(await openChain(store), ann, 6);
      const rows = await store.range(prefix, `${prefix}~`);
      const exact = await store.get(prefix);
      await store.batch(
        (exact ? [{ key: prefix }] : rows).map(({ key }) => ({ key, value: undefined })),
      );
      await expect(openChain(store)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    },
  );
});

describe('answers', () => {
  it('proves state after a block, and gives the witness that executes it', async () => {
    const chain = await openChain();
    await mine(chain, ann, 5);
    await chain.addTx(transfer(ann, 0, bob, 7n));
    const [block] = await mine(chain, bob, 1);
    const id = blockId(block!.header);
    const witness = treeFromProof((await chain.witness(id))!);
    if (isFault(witness)) throw new Error(witness.fault);
    expect(toHex(treeRoot(witness))).toBe(toHex(block!.header.stateRoot));
    const done = executeBlock(witness, block!.header, block!.body, PARAMS, CONTEXT);
    if (isFault(done)) throw new Error(done.fault);
    const [child] = await mine(chain, ann, 3);
    expect(toHex(treeRoot(done.tree))).toBe(toHex(child!.header.stateRoot));
    const key = stateKey.account(bob.address);
    const proof = treeFromProof((await chain.proveState(id, [key]))!);
    if (isFault(proof)) throw new Error(proof.fault);
    expect(toHex(treeRoot(proof))).toBe(toHex(child!.header.stateRoot));
    expect(treeGet(proof, key)).toEqual(treeGet(done.tree, key));
    expect(chain.account(bob.address)!.balance).toBeGreaterThan(7n);
  });

  it('walks an account back through its blocks', async () => {
    const chain = await openChain();
    await mine(chain, ann, 5);
    const sent = [0, 1, 2, 3, 4].map((nonce) => transfer(ann, nonce, nonce % 2 ? bob : cat, 5n));
    for (const tx of sent.slice(0, 3)) expect(await chain.addTx(tx)).toBeUndefined();
    await mine(chain, ann, 2);
    for (const tx of sent.slice(3)) expect(await chain.addTx(tx)).toBeUndefined();
    await mine(chain, ann, 1);
    const account = chain.account(ann.address)!;
    expect(account.txCount).toBe(5);
    const history = await chain.history(ann.address, account.lastTx, 50);
    expect(history.map((e) => e.tx.tx.nonce - BORN)).toEqual([4n, 3n, 2n, 1n, 0n]);
    const bobs = await chain.history(bob.address, chain.account(bob.address)!.lastTx, 50);
    expect(bobs.map((e) => e.tx.tx.nonce - BORN)).toEqual([3n, 1n]);
    expect(await chain.position(txId(GENESIS_ID, sent[3]!.tx))).toEqual(history[1]!.position);
    expect(await chain.history(ann.address, account.lastTx, 2)).toHaveLength(2);
    expect(await chain.history(ann.address, { height: 1, index: 0 }, 50)).toEqual([]);
  });

  it('gives the state after a block in parts, to whoever joins them', async () => {
    const chain = await openChain();
    await mine(chain, ann, 8);
    const id = chain.head().header.prevHash;
    const part = treeFromProof((await chain.statePart(id, new Uint8Array(32)))!);
    if (isFault(part)) throw new Error(part.fault);
    expect(isWhole(part)).toBe(true);
    expect(toHex(treeRoot(part))).toBe(toHex(chain.head().header.stateRoot));
    expect(await chain.statePart(MODEL, new Uint8Array(32))).toBeUndefined();
  });

  it('answers peers, and says so when it has not what they ask', async () => {
    const chain = await openChain();
    await mine(chain, ann, 5);
    const waiting = transfer(ann, 0, bob, 5n);
    await chain.addTx(waiting);
    const told = (request: SyncRequest) => answer(chain, request, () => chain.mempool.byFee());
    const { id, header } = chain.head();
    expect(await told({ type: 'status' })).toMatchObject({ type: 'status', head: id, height: 5 });
    expect(await told({ type: 'transactions' })).toEqual({ type: 'transactions', txs: [waiting] });
    const gone = { type: 'unavailable' };
    for (const block of [id, MODEL]) {
      const known = block === id;
      const from = new Uint8Array(32);
      const state = await told({ type: 'state', block, from });
      expect(state).toMatchObject(known ? { type: 'state' } : gone);
      const proof = await told({ type: 'proof', block, keys: [] });
      expect(proof).toMatchObject(known ? { type: 'proof' } : gone);
      const witness = await told({ type: 'witness', block });
      expect(witness).toMatchObject(known ? { type: 'witness' } : gone);
      const { blocks } = (await told({ type: 'blocks', ids: [block] })) as ResponseTo<'blocks'>;
      expect(blocks.map((b) => b.id)).toEqual(known ? [id] : []);
    }
    const { headers } = (await told({
      type: 'headers',
      locator: [header.prevHash],
      max: 9,
    })) as ResponseTo<'headers'>;
    expect(headers).toEqual([header]);
  });

  it('serves headers after the last common block', async () => {
    const { a, b } = await twins(30);
    await mine(a, ann, 3, { salt: 1 });
    await mine(b, bob, 5, { salt: 2 });
    const headers = await b.headersAfter(await a.locator(), 512);
    expect(headers.map((h) => h.height)).toEqual([31, 32, 33, 34, 35]);
    expect((await b.headersAfter([], 10)).map((h) => h.height)[0]).toBe(1);
    expect(await b.headersAfter(await b.locator(), 512)).toEqual([]);
  });

  it('counts coins and accounts, and loses none', async () => {
    const store = createMemoryStore();
    const chain = await openChain(store);
    await mine(chain, ann, 6);
    await chain.addTx(transfer(ann, 0, bob, 12n, 5_000n));
    await mine(chain, cat, 4);
    const { tree } = await expectConsistent(store);
    const { issued, accounts } = chain.stats();
    const immature = BigInt(PARAMS.maturityBlocks) * 50_000_000_000n;
    expect(issued).toBe(500_000_000_000n);
    // The fee is in cat's first coinbase, which has matured.
    const atGenesis = sumOfBalances(genesisTree(PARAMS));
    expect(sumOfBalances(tree) - atGenesis + immature).toBe(issued);
    expect(accounts).toBe(4);
  });
});
