/** A light chain that holds the whole state: fetched in parts or executed, kept, served to others. */
import { describe, expect, it } from 'vitest';
import type { FullChain } from '../../src/chain/full/full-chain.ts';
import type { SyncSource } from '../../src/chain/shared/answer.ts';
import { sourceOf, type LightChain, type WantedProof } from '../../src/chain/light/light-chain.ts';
import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import type { Store } from '../../src/chain/store/store.ts';
import { Base } from '../../src/chain/light/records.ts';
import { bodyRoot } from '../../src/core/tx/body.ts';
import { decode } from '../../src/core/codec.ts';
import { isFault, penaltyOf } from '../../src/core/faults.ts';
import { blockId } from '../../src/core/header/header.ts';
import { stateKey } from '../../src/core/tree/keys.ts';
import { firstStub, proveFrom } from '../../src/core/tree/tree-parts.ts';
import {
  isWhole,
  openedLeaves,
  treeFromProof,
  treeGet,
  treeRoot,
  treeSet,
} from '../../src/core/tree/tree.ts';
import { txId } from '../../src/core/tx/tx.ts';
import { equal, toHex } from '../../src/lib/bytes.ts';
import {
  GENESIS_ID,
  close,
  mine,
  MODEL,
  nextBlock,
  openChain,
  person,
  prepay,
  PROOF,
  START_MS,
  transfer,
} from './make-blocks.ts';
import { openLightChain, type OpenedLight } from './open-light.ts';

const [ann, bob] = [person(1), person(2)] as const;
const clock = { ms: START_MS + 10_000_000 };

const openLight = (
  store: Store = createMemoryStore(),
  stateLeavesMax = 200_000,
  blocksKept = 2048,
): Promise<OpenedLight> =>
  openLightChain({ store, stateLeavesMax, blocksKept, now: () => clock.ms });

/** A chain of some blocks, in which many people have some coins. */
async function fullChain(blocks: number, people = 0): Promise<FullChain> {
  const own = { ms: START_MS };
  const chain = await openChain(createMemoryStore(), own);
  own.ms = clock.ms;
  await mine(chain, ann, 5);
  for (let i = 0; i < people; i++)
    expect(await chain.addTx(transfer(ann, i, person(3 + i), 1n))).toBeUndefined();
  await mine(chain, bob, blocks - 5);
  return chain;
}

/** Headers and proofs; no state. */
async function follow(light: LightChain, peer: SyncSource, bodies = false): Promise<void> {
  await light.headers.import(await peer.headersAfter(await light.headers.locator(), 512));
  await light.proofs.audit();
  await take(light, peer, light.proofs.wanted(), bodies);
  expect(toHex(light.headers.head().id)).toBe(toHex(peer.head().id));
}

async function take(
  light: LightChain,
  peer: SyncSource,
  wanted: readonly WantedProof[],
  bodies = true,
): Promise<void> {
  for (const { id } of wanted) {
    const [part] = await peer.parts([id]);
    const refused = await light.proofs.import(id, part!.proof!, bodies ? part!.body : undefined);
    expect(refused).toBeUndefined();
  }
}

/** Everything, as a client in the background: bodies since the state was whole, executed; then old ones. */
async function hold(light: LightChain, peer: SyncSource): Promise<void> {
  await follow(light, peer, true);
  for (;;) {
    if (await light.blocks.executeKept()) continue;
    const since = await light.blocks.toExecute(16);
    if (!since.length) break;
    await take(light, peer, since);
  }
  for (let part = light.state.wanted(); part; part = light.state.wanted())
    await light.state.learn(part.block, (await peer.statePart(part.block, part.from))!);
  const head = peer.head();
  const [whole] = await peer.parts([head.id]);
  expect(await light.blocks.execute({ ...head, ...whole! }, undefined)).toBeUndefined();
  expect(light.state.isWhole).toBe(true);
  await take(light, peer, await light.blocks.toKeep(10_000));
  expect(await light.blocks.toKeep(1)).toEqual([]);
}

/** The head, on the peer's witness. */
async function witnessHead(light: LightChain, peer: FullChain): Promise<void> {
  const { id } = peer.head();
  const witness = await peer.witness(id);
  expect(await light.blocks.execute((await peer.block(id))!, witness)).toBeUndefined();
}

/** One part of the state in answers of a few leaves. @returns whether there was one to fetch */
async function fetchPart(light: LightChain, peer: FullChain, bytes = 300): Promise<boolean> {
  const wanted = light.state.wanted();
  if (!wanted) return false;
  const whole = treeFromProof((await peer.statePart(wanted.block, new Uint8Array(32)))!);
  if (isFault(whole)) throw new Error(whole.fault);
  const part = proveFrom(whole, wanted.from, bytes);
  expect(await light.state.learn(wanted.block, part)).toBeUndefined();
  return true;
}

describe('the state', () => {
  it('is fetched in parts while blocks go on, and then needs no witness', async () => {
    const peer = await fullChain(20, 60);
    const light = await openLight();
    await follow(light, peer);
    // Before the head is executed its parent's state is asked for.
    expect(light.state.wanted()!.block).toEqual(peer.head().header.prevHash);
    await witnessHead(light, peer);
    let parts = 0;
    for (; await fetchPart(light, peer); parts++) {
      expect(light.state.isWhole).toBe(light.state.wanted() === undefined);
      if (parts % 3) continue;
      await peer.addTx(transfer(ann, 60 + parts / 3, bob, 5n));
      await mine(peer, ann, 1);
      await follow(light, peer);
      await witnessHead(light, peer);
    }
    expect(parts).toBeGreaterThan(10);
    expect(light.state.isWhole).toBe(true);
    const tree = light.state.after(peer.head().id)!;
    expect(isWhole(tree)).toBe(true);
    expect(toHex(treeRoot(tree))).toBe(toHex(light.state.rootAfter(peer.head().id)!));
    await mine(peer, bob, 3);
    await follow(light, peer);
    for (let height = peer.head().header.height - 2; ; height++) {
      const header = await peer.header(height);
      if (!header) break;
      const block = (await peer.block(blockId(header)))!;
      expect(await light.blocks.execute(block, undefined)).toBeUndefined();
    }
    expect(light.state.isWhole).toBe(true);
  });

  it('opened for one block is open for the blocks after it', async () => {
    const peer = await fullChain(12, 20);
    const light = await openLight();
    await follow(light, peer);
    await witnessHead(light, peer);
    const { id } = peer.head();
    for (let i = 0; i < 2; i++) {
      await mine(peer, ann, 1);
      await follow(light, peer);
      await witnessHead(light, peer);
    }
    const last = peer.head().id;
    const key = stateKey.account(person(7).address);
    expect(() => treeGet(light.state.after(last)!, key)).toThrow('stub');
    await light.state.learn(id, (await peer.proveState(id, [key]))!);
    expect(treeGet(light.state.after(last)!, key)).toEqual(treeGet(light.state.after(id)!, key));
    expect(await light.state.learn(id, (await peer.statePart(id, MODEL))!)).toBeUndefined();
    expect(openedLeaves(light.state.after(last)!)).toBeGreaterThan(10);
  });

  it('is refused when it is another block’s, and a lie joins nothing', async () => {
    const peer = await fullChain(12, 20);
    const light = await openLight();
    await follow(light, peer);
    await witnessHead(light, peer);
    const { id, header } = peer.head();
    const before = light.state.after(id);
    const other = (await peer.statePart(header.prevHash, new Uint8Array(32)))!;
    expect(await light.state.learn(id, other)).toMatchObject({ fault: 'state.proof' });
    expect(await light.state.learn(id, MODEL)).toMatchObject({ fault: 'state.proof' });
    expect(light.state.after(id)).toBe(before);
    await expect(light.state.learn(MODEL, other)).rejects.toMatchObject({ code: 'ROOT_UNKNOWN' });
    expect(
      await light.blocks.execute((await peer.block(header.prevHash))!, undefined),
    ).toMatchObject({
      fault: 'state.witness',
    });
  });

  it('is not held over its bound, and not asked for again', async () => {
    const peer = await fullChain(12, 40);
    const light = await openLight(createMemoryStore(), 30);
    await follow(light, peer);
    await witnessHead(light, peer);
    for (let i = 0; await fetchPart(light, peer); i++) expect(i).toBeLessThan(20);
    expect(light.state.isWhole).toBe(false);
    expect(openedLeaves(light.state.after(peer.head().id)!)).toBeLessThanOrEqual(30);
    await mine(peer, ann, 2);
    await follow(light, peer);
    await witnessHead(light, peer);
    expect(light.state.wanted()).toBeUndefined();
    expect(firstStub(light.state.after(peer.head().id)!)).toBeDefined();
    expect(
      equal(light.state.rootAfter(peer.head().id)!, treeRoot(light.state.after(peer.head().id)!)),
    ).toBe(true);
  });
});

describe('a chain that holds all', () => {
  /** People pay, and open and close a channel over some blocks. */
  async function busyChain(): Promise<{ peer: FullChain; ids: Uint8Array[] }> {
    const peer = await fullChain(12, 8);
    const opening = prepay(ann, 8, bob);
    const id = txId(GENESIS_ID, opening.tx);
    const closing = close(bob, id, 50_000n);
    for (const txs of [[opening], [closing], [], [transfer(ann, 9, bob, 7n)]]) {
      for (const tx of txs) expect(await peer.addTx(tx)).toBeUndefined();
      await mine(peer, bob, 1);
    }
    expect(await peer.find(id)).toHaveLength(2);
    return { peer, ids: [id, txId(GENESIS_ID, closing.tx)] };
  }

  it('answers what a full chain answers, and another light chain lives on it alone', async () => {
    const { peer, ids } = await busyChain();
    const light = await openLight();
    await hold(light, peer);
    const { id, header } = peer.head();
    const keys = [stateKey.account(ann.address), stateKey.account(MODEL)];
    expect(await light.state.prove(id, keys)).toEqual(await peer.proveState(id, keys));
    expect(await light.state.part(id, MODEL)).toEqual(await peer.statePart(id, MODEL));
    expect(await light.state.witness(id)).toEqual(await peer.witness(id));
    expect(await light.blocks.parts([id, MODEL])).toEqual(await peer.parts([id, MODEL]));
    for (const locator of [[], [header.prevHash], [MODEL, id]])
      expect(await light.headers.after(locator, 9)).toEqual(await peer.headersAfter(locator, 9));
    for (const one of [...ids, MODEL])
      expect(await light.blocks.find(one)).toEqual(await peer.find(one));
    for (const { address } of [ann, bob]) {
      const { lastTx } = peer.account(address)!;
      for (const max of [50, 3])
        expect(await light.blocks.history(address, lastTx, max)).toEqual(
          await peer.history(address, lastTx, max),
        );
    }
    const newcomer = await openLight();
    await hold(newcomer, sourceOf(light));
    expect(await newcomer.state.part(id, MODEL)).toEqual(await peer.statePart(id, MODEL));
    expect(await newcomer.blocks.find(ids[0]!)).toEqual(await light.blocks.find(ids[0]!));
    // Another comes when it is too late for old blocks: in parts.
    const late = await openLight(createMemoryStore(), 200_000, 3);
    await follow(late, sourceOf(light));
    expect(await late.blocks.toExecute(16)).toEqual([]);
    const wanted = late.state.wanted()!;
    const part = (await light.state.part(wanted.block, wanted.from))!;
    expect(await late.state.learn(wanted.block, part)).toBeUndefined();
    expect(await late.blocks.execute((await peer.block(id))!, undefined)).toBeUndefined();
    expect(late.state.isWhole).toBe(true);
  });

  it('answers nothing that it does not have', async () => {
    const { peer } = await busyChain();
    const light = await openLight();
    await follow(light, peer);
    const { id, header } = peer.head();
    expect(await light.state.part(id, MODEL)).toBeUndefined();
    expect(await light.state.prove(header.prevHash, [MODEL])).toBeUndefined();
    expect(await light.state.witness(id)).toBeUndefined();
    expect(await light.blocks.parts([id])).toEqual([]);
    expect(await light.blocks.history(ann.address, { height: 13, index: 0 }, 9)).toEqual([]);
    expect(await light.blocks.find(MODEL)).toEqual([]);
    const [part] = await peer.parts([header.prevHash]);
    const wrong = await light.proofs.import(id, PROOF, part!.body);
    expect(wrong ?? equal(bodyRoot(part!.body), header.bodyRoot)).toBeTruthy();
  });

  it('keeps to its bound of blocks', async () => {
    const peer = await fullChain(60);
    const store = createMemoryStore();
    const light = await openLight(store, 200_000, 20);
    await follow(light, peer, true);
    await mine(peer, ann, 30);
    await follow(light, peer, true);
    for (const kind of ['b', 'i', 'p', 'k'])
      expect([kind, (await store.range(`${kind}/`, `${kind}0`)).length]).toEqual([kind, 20]);
    expect((await light.blocks.parts([peer.head().id])).length).toBe(1);
  });

  it('goes on after a restart from its own disk, over its base and kept bodies', async () => {
    const store = createMemoryStore();
    const peer = await fullChain(20, 10);
    await hold(await openLight(store), peer);
    for (const blocks of [1, 130, 60]) {
      await mine(peer, ann, blocks);
      await hold(await openLight(store), peer);
      const again = await openLight(store);
      expect([again.store.wiped, again.state.isWhole]).toEqual([undefined, true]);
      const { id } = peer.head();
      expect(await again.state.part(id, MODEL)).toEqual(await peer.statePart(id, MODEL));
    }
    const base = decode(Base, (await store.get('base'))!);
    expect(base.height).toBeGreaterThan(peer.head().header.height - 140);
    expect(base.height).toBeLessThanOrEqual(peer.head().header.height - 100);
  });

  it('reorganises around its base', async () => {
    const store = createMemoryStore();
    const a = await fullChain(20, 10);
    const own = { ms: START_MS };
    const b = await openChain(createMemoryStore(), own);
    own.ms = clock.ms;
    for (let h = 1; h <= 20; h++)
      await b.importBlock((await a.block(blockId((await a.header(h))!)))!);
    await mine(a, ann, 150, { salt: 1 });
    const light = await openLight(store);
    await hold(light, a);
    expect(decode(Base, (await store.get('base'))!).height).toBeGreaterThan(20);
    await mine(b, bob, 190, { salt: 2 });
    await follow(light, b, true);
    // Nothing of that branch's state is known from the fork on: in parts, as a newcomer.
    for (let i = 0; i < 3 && !light.state.isWhole; i++) {
      const wanted = light.state.wanted();
      if (wanted)
        await light.state.learn(wanted.block, (await b.statePart(wanted.block, wanted.from))!);
      await light.blocks.execute((await b.block(b.head().id))!, undefined);
    }
    expect(light.state.isWhole).toBe(true);
    await mine(b, bob, 2);
    await hold(light, b);
    const again = await openLight(store);
    expect([again.store.wiped, again.state.isWhole]).toEqual([undefined, true]);
    expect(await again.state.part(b.head().id, MODEL)).toEqual(
      await b.statePart(b.head().id, MODEL),
    );
  });

  it('leaves a block that invents a state, also after a restart on that state', async () => {
    const peer = await fullChain(140, 5);
    const store = createMemoryStore();
    const light = await openLight(store);
    await follow(light, peer);
    const { id } = peer.head();
    const part = (await peer.statePart(id, new Uint8Array(32)))!;
    const whole = treeFromProof(part);
    if (isFault(whole)) throw new Error(whole.fault);
    const invented = treeSet(whole, stateKey.account(MODEL), Uint8Array.of(1));
    const { header, body } = nextBlock(peer, ann, { salt: 7 });
    const lie = { header: { ...header, stateRoot: treeRoot(invented) }, body };
    await light.headers.import([lie.header]);
    await light.proofs.import(blockId(lie.header), PROOF, body);
    expect(light.headers.head().header.height).toBe(141);
    // Whoever proves the true state does so in good faith: in a lying header's eyes it lies.
    const truth = await light.state.learn(id, part);
    expect(isFault(truth) && penaltyOf(truth)).toBe(10);
    await light.state.learn(id, proveFrom(invented, new Uint8Array(32), 1 << 20));
    expect(await light.blocks.execute(lie, undefined)).toBeUndefined();
    expect(toHex(decode(Base, (await store.get('base'))!).id)).toBe(toHex(id));
    await mine(peer, bob, 2);
    const again = await openLight(store);
    expect(again.state.isWhole).toBe(true);
    await follow(again, peer);
    await hold(again, peer);
  });

  it('believes nothing of its disk that does not fit the headers', async () => {
    const peer = await fullChain(140, 10);
    for (const damage of ['s/', 'base', 'b/', 'a/']) {
      const store = createMemoryStore();
      await hold(await openLight(store), peer);
      const rows = await store.range(damage, `${damage}~`);
      const bad = damage === 's/' ? rows[0]!.value.map((x) => x ^ 1) : undefined;
      await store.batch(
        rows.slice(0, bad ? 1 : rows.length).map(({ key }) => ({ key, value: bad })),
      );
      const again = await openLight(store);
      expect(again.store.wiped).toBeUndefined();
      expect([damage, again.state.isWhole]).toEqual([damage, damage === 'a/']);
      // And it mends itself.
      await hold(again, peer);
    }
  });

  it('is whole after a kill at any write', async () => {
    const peer = await fullChain(10, 5);
    await mine(peer, ann, 170);
    for (let kill = 0, killed = true; killed; kill += 37) {
      const store = createMemoryStore();
      let writes = 0;
      killed = false;
      const dying: Store = {
        ...store,
        async batch(puts, durable) {
          if (writes++ >= kill) throw new Error((killed = true) && 'killed');
          return store.batch(puts, durable);
        },
      };
      const grow = async () => hold(await openLight(dying), peer);
      await grow().catch(() => undefined);
      const again = await openLight(store);
      expect(again.store.wiped).toBeUndefined();
      await hold(again, peer);
      const { id } = peer.head();
      expect(await again.state.part(id, MODEL)).toEqual(await peer.statePart(id, MODEL));
      expect((await openLight(store)).state.isWhole).toBe(true);
    }
  });
});
