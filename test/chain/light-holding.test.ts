/** A light chain that holds the whole state: fetched in parts or executed, kept, served to others. */
import { describe, expect, it } from 'vitest';
import type { FullChain } from '../../src/chain/full-chain.ts';
import { createLightChain, type LightChain } from '../../src/chain/light-chain.ts';
import { createMemoryStore } from '../../src/chain/memory-store.ts';
import type { Store } from '../../src/chain/store.ts';
import { isFault } from '../../src/core/faults.ts';
import { blockId } from '../../src/core/header.ts';
import { stateKey } from '../../src/core/keys.ts';
import { firstStub, proveFrom } from '../../src/core/tree-parts.ts';
import { isWhole, openedLeaves, treeFromProof, treeGet, treeRoot } from '../../src/core/tree.ts';
import { equal, toHex } from '../../src/lib/bytes.ts';
import {
  mine,
  MODEL,
  MODELS,
  openChain,
  PARAMS,
  person,
  PROOF,
  START_MS,
  transfer,
} from './make-blocks.ts';

const [ann, bob] = [person(1), person(2)] as const;
const clock = { ms: START_MS + 10_000_000 };

const openLight = (store: Store = createMemoryStore(), stateLeavesMax = 200_000) =>
  createLightChain({
    ...{ store, params: PARAMS, models: MODELS, stateLeavesMax },
    now: () => clock.ms,
    verifyProof: () => undefined,
  });

/** A chain of some blocks, in which many people have some coins. */
async function fullChain(blocks: number, people = 0): Promise<FullChain> {
  const own = { ms: START_MS };
  const chain = await openChain(createMemoryStore(), own);
  own.ms = clock.ms;
  await mine(chain, ann, 5);
  for (let i = 0; i < people; i++)
    expect(await chain.addTx(transfer(ann, i, person(3 + i), 1_000n))).toBeUndefined();
  await mine(chain, bob, blocks - 5);
  return chain;
}

/** Headers and proofs; no state. */
async function follow(light: LightChain, peer: FullChain): Promise<void> {
  if (!light.genesis()) await light.openOrReset((await peer.header(0))!);
  await light.importHeaders(await peer.headersAfter(await light.locator(), 512));
  for (const { id } of light.wantedProofs()) await light.importProof(id, PROOF);
  expect(toHex(light.head()!.id)).toBe(toHex(peer.head().id));
}

/** The head, on the peer's witness. */
async function witnessHead(light: LightChain, peer: FullChain): Promise<void> {
  const { id } = peer.head();
  const witness = await peer.witness(id);
  expect(await light.executeOn((await peer.block(id))!, witness)).toBeUndefined();
}

/** One part of the state in answers of a few leaves. @returns whether there was one to fetch */
async function fetchPart(light: LightChain, peer: FullChain, bytes = 300): Promise<boolean> {
  const wanted = light.wantedState();
  if (!wanted) return false;
  const whole = treeFromProof((await peer.statePart(wanted.block, new Uint8Array(32)))!);
  if (isFault(whole)) throw new Error(whole.fault);
  const part = proveFrom(whole, wanted.from, bytes);
  expect(await light.learnState(wanted.block, part)).toBeUndefined();
  return true;
}

describe('the state', () => {
  it('is fetched in parts while blocks go on, and then needs no witness', async () => {
    const peer = await fullChain(20, 60);
    const light = await openLight();
    await follow(light, peer);
    // Before the head is executed its parent's state is asked for.
    expect(light.wantedState()!.block).toEqual(peer.head().header.prevHash);
    await witnessHead(light, peer);
    let parts = 0;
    for (; await fetchPart(light, peer); parts++) {
      expect(light.holdsState).toBe(light.wantedState() === undefined);
      if (parts % 3) continue;
      await peer.addTx(transfer(ann, 60 + parts / 3, bob, 5n));
      await mine(peer, ann, 1);
      await follow(light, peer);
      await witnessHead(light, peer);
    }
    expect(parts).toBeGreaterThan(10);
    expect(light.holdsState).toBe(true);
    const tree = light.stateAfter(peer.head().id)!;
    expect(isWhole(tree)).toBe(true);
    expect(toHex(treeRoot(tree))).toBe(toHex(light.rootAfter(peer.head().id)!));
    await mine(peer, bob, 3);
    await follow(light, peer);
    for (let height = peer.head().header.height - 2; ; height++) {
      const header = await peer.header(height);
      if (!header) break;
      const block = (await peer.block(blockId(header)))!;
      expect(await light.executeOn(block, undefined)).toBeUndefined();
    }
    expect(light.holdsState).toBe(true);
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
    expect(() => treeGet(light.stateAfter(last)!, key)).toThrow('stub');
    await light.learnState(id, (await peer.proveState(id, [key]))!);
    expect(treeGet(light.stateAfter(last)!, key)).toEqual(treeGet(light.stateAfter(id)!, key));
    expect(await light.learnState(id, (await peer.statePart(id, MODEL))!)).toBeUndefined();
    expect(openedLeaves(light.stateAfter(last)!)).toBeGreaterThan(10);
  });

  it('is refused when it is another block’s, and a lie joins nothing', async () => {
    const peer = await fullChain(12, 20);
    const light = await openLight();
    await follow(light, peer);
    await witnessHead(light, peer);
    const { id, header } = peer.head();
    const before = light.stateAfter(id);
    const other = (await peer.statePart(header.prevHash, new Uint8Array(32)))!;
    expect(await light.learnState(id, other)).toMatchObject({ fault: 'state.proof' });
    expect(await light.learnState(id, MODEL)).toMatchObject({ fault: 'state.proof' });
    expect(light.stateAfter(id)).toBe(before);
    await expect(light.learnState(MODEL, other)).rejects.toMatchObject({ code: 'ROOT_UNKNOWN' });
    expect(await light.executeOn((await peer.block(header.prevHash))!, undefined)).toMatchObject({
      fault: 'state.witness',
    });
  });

  it('is not held over its bound, and not asked for again', async () => {
    const peer = await fullChain(12, 40);
    const light = await openLight(createMemoryStore(), 30);
    await follow(light, peer);
    await witnessHead(light, peer);
    for (let i = 0; await fetchPart(light, peer); i++) expect(i).toBeLessThan(20);
    expect(light.holdsState).toBe(false);
    expect(openedLeaves(light.stateAfter(peer.head().id)!)).toBeLessThanOrEqual(30);
    await mine(peer, ann, 2);
    await follow(light, peer);
    await witnessHead(light, peer);
    expect(light.wantedState()).toBeUndefined();
    expect(firstStub(light.stateAfter(peer.head().id)!)).toBeDefined();
    expect(
      equal(light.rootAfter(peer.head().id)!, treeRoot(light.stateAfter(peer.head().id)!)),
    ).toBe(true);
  });
});
