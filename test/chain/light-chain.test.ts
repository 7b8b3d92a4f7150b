/** The light client: which branch it follows, what it proves, what survives a restart or a damaged store. */
import { bodyOf, bodyRoot } from '../../src/core/tx/body.ts';
import 'fake-indexeddb/auto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FullChain } from '../../src/chain/full/full-chain.ts';
import { createIdbStore } from '../../src/chain/store/idb-store.ts';
import type { LightChain } from '../../src/chain/light/light-chain.ts';
import { commonHeight } from '../../src/chain/light/memory/paths.ts';
import { LIGHT_SCHEMA, PathsRecord } from '../../src/chain/light/records.ts';
import { formatPut } from '../../src/chain/store/format-marker.ts';
import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import type { Store } from '../../src/chain/store/store.ts';
import { decode } from '../../src/core/codec.ts';
import { fault, isFault } from '../../src/core/faults.ts';
import { Account, type Header } from '../../src/core/formats.ts';
import { blockId, extendPoint, genesisPoint, templateCore } from '../../src/core/header/header.ts';
import { targetOf } from '../../src/core/header/target.ts';
import { stateKey } from '../../src/core/tree/keys.ts';
import { equal, toHex } from '../../src/lib/bytes.ts';
import {
  idOf,
  mine,
  MANIFEST,
  MODEL,
  MODELS,
  nextBlock,
  openChain,
  PARAMS,
  person,
  PROOF,
  START_MS,
  transfer,
  coins,
} from './make-blocks.ts';
import { openLightChain, type OpenedLight } from './open-light.ts';

const [ann, bob] = [person(1), person(2)] as const;
const clock = { ms: START_MS + 10_000_000 };

async function openLight(
  store: Store = createMemoryStore(),
  isGood: (idHex: string) => boolean = () => true,
  models = MODELS,
): Promise<OpenedLight> {
  return openLightChain({
    store,
    models,
    now: () => clock.ms,
    verifyProof: (_, header) =>
      isGood(toHex(blockId(header))) ? undefined : fault('proof.target'),
  });
}
/** A chain whose genesis lies far enough in the past for all the blocks that a test mines. */
async function chainAt(): Promise<FullChain> {
  const own = { ms: START_MS };
  const chain = await openChain(createMemoryStore(), own);
  own.ms = clock.ms;
  return chain;
}

/** Everything the peer has: headers, then the proofs that are asked for. */
async function sync(light: LightChain, peer: FullChain, proofs = true): Promise<number> {
  for (let last: Uint8Array[] = []; ;) {
    const headers = await peer.headersAfter([...last, ...(await light.headers.locator())], 512);
    if (!headers.length) break;
    const done = await light.headers.import(headers);
    if (isFault(done)) throw new Error(done.fault);
    last = [blockId(headers.at(-1)!)];
  }
  await light.proofs.audit();
  let asked = 0;
  for (const { id } of proofs ? light.proofs.wanted() : []) {
    asked++;
    await light.proofs.import(id, PROOF);
  }
  return asked;
}
const headOf = (chain: FullChain | LightChain) =>
  toHex(('headers' in chain ? chain.headers : chain).head().id);

async function copyOf(chain: FullChain): Promise<FullChain> {
  const copy = await chainAt();
  for (let h = 1; h <= chain.head().header.height; h++)
    await copy.importBlock((await chain.block(blockId((await chain.header(h))!)))!);
  return copy;
}

describe('head', () => {
  it('follows headers only once the last hundred proofs were checked', async () => {
    const peer = await chainAt();
    await mine(peer, ann, 160);
    const light = await openLight();
    await sync(light, peer, false);
    expect(light.headers.best().header.height).toBe(160);
    expect(light.headers.head().header.height).toBe(0);
    const wanted = light.proofs.wanted();
    const heights = wanted.map((w) => w.height);
    expect(heights.slice(0, 128)).toEqual(Array.from({ length: 128 }, (_, i) => 160 - i));
    // And an audit of what is below.
    expect(heights.length).toBeGreaterThan(136);
    expect(heights.slice(128).every((h) => h >= 1 && h <= 32)).toBe(true);
    // All but one: of the newest blocks, of the audit.
    for (const missing of [0, 60, -1]) {
      const again = await openLight();
      await sync(again, peer, false);
      const all = again.proofs.wanted();
      for (const { id } of all.toSpliced(missing, 1)) await again.proofs.import(id, PROOF);
      // At most as far as an unbroken run from genesis reaches.
      expect(again.headers.head().header.height).toBeLessThan(33);
    }
    for (const { id } of wanted) await light.proofs.import(id, PROOF);
    expect(headOf(light)).toBe(headOf(peer));
    await mine(peer, ann, 1);
    expect(await sync(light, peer)).toBe(1);
    expect(headOf(light)).toBe(headOf(peer));
  });

  it('is not moved by a longer branch whose proofs are bad or missing', async () => {
    const honest = await chainAt();
    await mine(honest, ann, 5);
    const liar = await copyOf(honest);
    await mine(honest, ann, 1, { salt: 1 });
    const fakes = new Set(
      (await mine(liar, bob, 4, { salt: 2 })).map((b) => toHex(blockId(b.header))),
    );
    const light = await openLight(createMemoryStore(), (id) => !fakes.has(id));
    await sync(light, honest);
    await sync(light, liar);
    expect(headOf(light)).toBe(headOf(honest));
    expect(light.headers.best().header.height).toBe(9);
    expect(light.proofs.wanted()).toHaveLength(4);
    await light.headers.dropBranch(light.headers.best().id);
    expect(light.proofs.wanted()).toEqual([]);
    await mine(honest, ann, 1);
    await sync(light, honest);
    expect(headOf(light)).toBe(headOf(honest));
  });

  it('is not moved by a deep branch whose claimed work was never done', async () => {
    const honest = await chainAt();
    await mine(honest, ann, 3);
    const liar = await copyOf(honest);
    await mine(honest, ann, 300);
    // A millisecond a block: the difficulty, and so the claimed work, doubles every 60 blocks.
    const free = await mine(liar, bob, 200, { afterMs: 1, salt: 2 });
    const fakes = new Set(free.map((b) => toHex(blockId(b.header))));
    // Then behind the schedule: the blocks that end it are as easy as can be.
    await mine(liar, bob, 1, { afterMs: 2_000_000, salt: 2 });
    await mine(liar, bob, 140, { salt: 2 });
    const easy = (await liar.header(liar.head().header.height))!;
    expect(targetOf(PARAMS, easy)).toBe(PARAMS.targetStart << 6n);
    const light = await openLight(createMemoryStore(), (id) => !fakes.has(id));
    await sync(light, honest);
    expect(headOf(light)).toBe(headOf(honest));
    await sync(light, liar);
    expect(light.headers.best().header).toEqual(easy);
    expect(headOf(light)).toBe(headOf(honest));
  });

  it('is not moved by a deep branch whose winners lie too late in their passes', async () => {
    const honest = await chainAt();
    await mine(honest, ann, 3);
    const liar = await copyOf(honest);
    await mine(honest, ann, 5);
    const [one] = MANIFEST.linears;
    const manifest = { ...MANIFEST, linears: [one!, one!, one!, one!] };
    const models = new Map([[toHex(MODEL), manifest]]);
    // Enough that two hundred of them are known: the newest 128, and those drawn below.
    await mine(liar, bob, 2000, { salt: 2 });
    // Where winners of four equal linears lie when all of a pass is done: 1 in 6, 2 in 6, 3 in 6, and in both tiles.
    const honestly = [2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4];
    for (const forged of [true, false]) {
      const light = await openLight(createMemoryStore(), () => true, models);
      await sync(light, honest);
      await sync(light, liar, false);
      const wanted = light.proofs.wanted();
      expect(wanted.length).toBeGreaterThan(200);
      for (const [i, { id }] of wanted.entries())
        await light.proofs.import(id, {
          ...PROOF,
          linear: forged ? 4 : honestly[i % honestly.length]!,
          tile: forged ? 1 : i % 2,
        });
      expect(headOf(light)).toBe(headOf(forged ? honest : liar));
    }
  });

  it('asks for the proofs of every branch, and lets go of a lone header without one', async () => {
    const honest = await chainAt();
    await mine(honest, ann, 3);
    const liar = await copyOf(honest);
    const lone = nextBlock(honest, bob, { salt: 7 });
    const light = await openLight(createMemoryStore(), (id) => id !== idOf(lone));
    await sync(light, honest);
    await mine(honest, ann, 2);
    await mine(liar, bob, 40, { salt: 2 });
    await sync(light, liar, false);
    await sync(light, honest, false);
    const asked = light.proofs
      .wanted()
      .slice(0, 16)
      .map((w) => toHex(w.id));
    expect(asked).toContain(toHex(honest.head().id));
    await light.headers.import([lone.header]);
    expect(await light.proofs.import(blockId(lone.header), PROOF)).toMatchObject({
      fault: 'proof.target',
    });
    expect(light.proofs.wanted().map((w) => toHex(w.id))).not.toContain(idOf(lone));
  });

  it('takes headers as far ahead of their date as work could bring them, and none beyond', async () => {
    const light = await openLight();
    const { halfLifeMs, blockTimeMs } = PARAMS;
    const most = Math.floor((128 * halfLifeMs) / (blockTimeMs - 1));
    let at = genesisPoint(PARAMS, START_MS);
    let refused: unknown;
    let made: Header[] = [];
    // A millisecond apart: each needs more work than the one before, and none was done.
    while (!refused && at.header.height < 8000) {
      const fields = { model: 0, miner: ann.address, bodyRoot: bodyRoot(bodyOf()) };
      const { stateRoot, time } = at.header;
      const core = templateCore(PARAMS, at, { ...fields, stateRoot, timeMs: time + 1 });
      at = extendPoint(PARAMS, at, { ...core, proofDigest: new Uint8Array(32) });
      made.push(at.header);
      if (made.length < 500 && at.header.height < most) continue;
      const done = await light.headers.import(made);
      if (isFault(done)) refused = done;
      made = [];
    }
    expect(light.headers.best().header.height).toBe(most);
    expect(refused).toMatchObject({ fault: 'header.too-soon', context: { height: most + 1 } });
  });

  it('drops fakes that extend its own head, and goes on with the honest block', async () => {
    const honest = await chainAt();
    await mine(honest, ann, 3);
    const light = await openLight();
    await sync(light, honest);
    const liar = await copyOf(honest);
    await mine(liar, bob, 520, { salt: 2 });
    await sync(light, liar, false);
    await mine(honest, ann, 1);
    await light.headers.import([honest.head().header]);
    await light.headers.dropBranch(light.headers.best().id);
    expect(light.headers.best().header.height).toBe(4);
    await light.proofs.import(honest.head().id, PROOF);
    expect(headOf(light)).toBe(headOf(honest));
  });

  it('goes on with the honest block above one that fakes without end stand on', async () => {
    const honest = await chainAt();
    await mine(honest, ann, 3);
    const light = await openLight();
    await sync(light, honest);
    await mine(honest, ann, 1);
    const under = honest.head();
    const liar = await copyOf(honest);
    await mine(liar, bob, 600, { salt: 2 });
    // The fakes come before the proof of the block that they stand on.
    await sync(light, liar, false);
    await light.proofs.import(under.id, PROOF);
    await mine(honest, ann, 1);
    await light.headers.import([honest.head().header]);
    await light.proofs.import(honest.head().id, PROOF);
    expect(headOf(light)).toBe(headOf(honest));
  });

  it('reorganises to any depth and back, also over a restart', async () => {
    const store = createMemoryStore();
    const a = await chainAt();
    await mine(a, ann, 3);
    const b = await copyOf(a);
    await mine(a, ann, 30, { salt: 1 });
    await mine(b, bob, 530, { salt: 2 });
    const light = await openLight(store);
    const events: number[] = [];
    light.store.subscribe((e) => events.push(e.reverted));
    await sync(light, a);
    expect(headOf(light)).toBe(headOf(a));
    await sync(light, b);
    expect(headOf(light)).toBe(headOf(b));
    expect(events.at(-1)).toBe(30);
    await mine(a, ann, 520, { salt: 3 });
    const again = await openLight(store);
    expect(again.store.wiped).toBeUndefined();
    expect(headOf(again)).toBe(headOf(b));
    await sync(again, a);
    expect(headOf(again)).toBe(headOf(a));
    for (const height of [0, 3, 4, 33, 34, 300, 553])
      expect(await again.headers.at(height)).toEqual(await a.header(height));
    expect((await openLight(store)).headers.head()).toEqual(again.headers.head());
  });

  it('joins old pieces of its chain at a start, killed at any write or not', async () => {
    const [a, b] = [await chainAt(), await chainAt()];
    for (const block of await mine(a, ann, 260)) await b.importBlock(block);
    const filled = createMemoryStore();
    const light = await openLight(filled);
    await sync(light, a);
    // They take turns in being ahead.
    for (let turn = 0; turn < 12; turn++) {
      const [ahead, behind] = turn % 2 ? [a, b] : [b, a];
      await mine(behind, ann, 1, { salt: 2 * turn + 1 });
      const blocks = await mine(ahead, bob, 2, { salt: 2 * turn + 2 });
      await sync(light, behind);
      await sync(light, ahead);
      for (const block of blocks) await behind.importBlock(block);
    }
    const segmentsOf = async (store: Store) =>
      decode(PathsRecord, (await store.get('paths'))!).paths.map((p) => p.segments.length);
    expect(Math.max(...(await segmentsOf(filled)))).toBeGreaterThan(5);
    const rows = await filled.range('', '~', 100_000);
    const open = (store: Store) => openLightChain({ store, segmentsLeft: 2, now: () => clock.ms });
    for (let kill = 0, killed = true; killed; kill++) {
      const store = createMemoryStore();
      await store.batch(rows);
      let writes = 0;
      killed = false;
      const dying: Store = {
        ...store,
        async batch(puts, durable) {
          if (writes++ >= kill) throw new Error((killed = true) && 'killed');
          return store.batch(puts, durable);
        },
      };
      await open(dying).catch(() => undefined);
      const again = await open(store);
      expect(again.store.wiped).toBeUndefined();
      expect(headOf(again)).toBe(headOf(light));
      for (let height = 0; height <= light.headers.head().header.height; height++)
        expect(await again.headers.at(height)).toEqual(await light.headers.at(height));
      expect(Math.min(...(await segmentsOf(store)))).toBeLessThan(5);
      expect(await again.headers.after(await a.locator(), 9)).toEqual(
        await light.headers.after(await a.locator(), 9),
      );
    }
  });

  it('joins pieces of its chain while it runs, whatever free headers lie beside it', async () => {
    const base = await chainAt();
    const store = createMemoryStore();
    const open = () => openLightChain({ store, segmentsLeft: 20, now: () => clock.ms });
    let light = await open();
    const lengths = async () =>
      decode(PathsRecord, (await store.get('paths'))!).paths.map((p) => p.segments.length);
    for (let height = 1; height <= 150; height++) {
      // Told first, it takes the place at the end of the branch, and the honest block begins another.
      const free = nextBlock(base, bob, { salt: height }).header;
      expect(await light.headers.import([free])).toMatchObject({ added: 1 });
      await mine(base, ann, 1, { salt: 1000 + height });
      await sync(light, base);
      expect(headOf(light)).toBe(headOf(base));
      expect(Math.max(...(await lengths()))).toBeLessThanOrEqual(41);
      if (height % 60 === 0) light = await open();
    }
    for (let height = 0; height <= 150; height++)
      expect(await light.headers.at(height)).toEqual(await base.header(height));
    expect(headOf(await open())).toBe(headOf(base));
  });

  it('bounds branches and batches', async () => {
    const base = await chainAt();
    await mine(base, ann, 2);
    const light = await openLight();
    await sync(light, base);
    for (let salt = 1; salt <= 20; salt++)
      await light.headers.import([nextBlock(base, bob, { salt }).header]);
    expect(new Set(light.proofs.wanted().map((w) => toHex(w.id))).size).toBeLessThanOrEqual(8);
    expect(headOf(light)).toBe(headOf(base));
    const many = Array.from({ length: 513 }, () => base.head().header);
    expect(await light.headers.import(many)).toMatchObject({ fault: 'wire.too-large' });
  });

  it('goes on with the honest block among branches that claim more and prove nothing', async () => {
    const honest = await chainAt();
    await mine(honest, ann, 3);
    const light = await openLight();
    await sync(light, honest);
    // Headers are free: as many branches as there is room for, each with more claimed work.
    for (let salt = 1; salt <= 10; salt++) {
      const liar = await copyOf(honest);
      await mine(liar, bob, 5, { afterMs: 1, salt });
      await sync(light, liar, false);
    }
    await mine(honest, ann, 1);
    const { header } = honest.head();
    expect(await light.headers.import([header])).toMatchObject({ added: 1 });
    expect(await light.proofs.import(honest.head().id, PROOF)).toBeUndefined();
    expect(headOf(light)).toBe(headOf(honest));
  });

  it('checks every header rule and refuses what it did not ask for', async () => {
    const peer = await chainAt();
    const [one, two] = await mine(peer, ann, 2);
    const light = await openLight();
    expect(await light.headers.import([two!.header])).toMatchObject({
      fault: 'header.parent-unknown',
    });
    const bad = { ...two!.header, slip: 1 };
    expect(await light.headers.import([one!.header, bad])).toMatchObject({ fault: 'header.slip' });
    expect(await light.proofs.import(MODEL, PROOF)).toMatchObject({ fault: 'sync.unplaced' });
    expect(light.headers.best().header.height).toBe(0);
  });
});

describe('proofs', () => {
  it('keeps those of the newest blocks and of those drawn before', async () => {
    const store = createMemoryStore();
    const peer = await chainAt();
    await mine(peer, ann, 400);
    const light = await openLightChain({ store, blocksKept: 100, now: () => clock.ms });
    await sync(light, peer, false);
    const drawn = light.proofs.wanted().filter(({ height }) => height <= 272);
    expect(drawn.length).toBeGreaterThan(20);
    await sync(light, peer);
    await mine(peer, ann, 50);
    await sync(light, peer);
    expect(light.proofs.checked).toBe(drawn.length + 100);
    expect((await store.range('p/', 'p0')).length).toBe(light.proofs.checked);
    for (const { id } of drawn) expect(await light.proofs.of(id)).toEqual(PROOF);
    const again = await openLight(store);
    expect(again.proofs.wanted()).toEqual([]);
    expect(again.proofs.checked).toBe(light.proofs.checked);
  });

  it('finds where two paths part, as a walk block by block does', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 3 });
    fc.assert(
      fc.property(cuts, cuts, fc.nat(15), fc.nat(15), (a, b, tipA, tipB) => {
        const make = (froms: number[], firstNew: number) => [
          { number: 0, from: 0 },
          ...[...new Set(froms)]
            .sort((x, y) => x - y)
            .map((from, i) => ({ number: firstNew + i, from })),
        ];
        const [x, y] = [make(a, 1), make(b, a.length && b[0] === a[0] ? 1 : 9)];
        const segmentAt = (s: typeof x, h: number) => s.findLast((e) => e.from <= h)!;
        let expected = 0;
        for (let h = 0; h <= Math.min(tipA, tipB); h++) {
          const [p, q] = [segmentAt(x, h), segmentAt(y, h)];
          if (p.number !== q.number || p.from !== q.from) break;
          expected = h;
        }
        expect(commonHeight(x, tipA, y, tipB)).toBe(expected);
      }),
    );
  });
});

describe('state', () => {
  async function synced() {
    const peer = await chainAt();
    await mine(peer, ann, 5);
    await peer.addTx(transfer(ann, 0, bob, 7n));
    await mine(peer, bob, 1);
    const light = await openLight();
    await sync(light, peer);
    return { peer, light, id: peer.head().id };
  }

  it('proves a balance against the state after a block that it executed', async () => {
    const { peer, light, id } = await synced();
    const keys = [stateKey.account(bob.address), stateKey.account(MODEL)];
    const proof = (await peer.proveState(id, keys))!;
    expect(() => light.state.verify(id, keys, proof)).toThrow('not known');
    const block = (await peer.block(id))!;
    expect(await light.blocks.execute(block, await peer.witness(id))).toBeUndefined();
    const leaves = light.state.verify(id, keys, proof);
    if (isFault(leaves)) throw new Error(leaves.fault);
    expect(decode(Account, leaves[0]!).balance).toBe(coins(7n));
    expect(leaves[1]).toBeUndefined();
    const cut = [stateKey.account(ann.address)];
    expect(light.state.verify(id, cut, proof)).toSatisfy((x) => isFault(x) || equal(x[0], x[0]));
    // One that opens more than was asked for is not looked at to its end.
    const more = (await peer.proveState(id, [...keys, ...cut]))!;
    expect(light.state.verify(id, keys, more)).toMatchObject({
      fault: 'state.proof',
      context: { problem: 'opens what nobody asked for' },
    });
    const old = (await peer.proveState(peer.head().header.prevHash, keys))!;
    expect(light.state.verify(id, keys, old)).toMatchObject({
      fault: 'state.proof',
      context: { problem: 'root' },
    });
  });

  it('proves against the child’s state root once there is a child', async () => {
    const { peer, light, id } = await synced();
    await mine(peer, ann, 1);
    await sync(light, peer);
    const keys = [stateKey.account(bob.address)];
    const leaves = light.state.verify(id, keys, (await peer.proveState(id, keys))!);
    if (isFault(leaves)) throw new Error(leaves.fault);
    expect(decode(Account, leaves[0]!).balance).toBe(coins(7n));
    // The child may be the liar, and is not executed: whoever proves another root is charged little.
    const other = (await peer.proveState(peer.head().id, keys))!;
    expect(light.state.verify(id, keys, other)).toMatchObject({ fault: 'state.root' });
  });

  it('takes no state root from a header above the head, which anybody can make', async () => {
    const { peer, light, id } = await synced();
    const { header } = nextBlock(peer, ann);
    const fake = { ...header, stateRoot: MODEL };
    expect(await light.headers.import([fake])).toMatchObject({ added: 1 });
    expect(light.state.rootAfter(id)).toBeUndefined();
    const wanted = { miner: bob.address, modelId: MODEL, nowMs: clock.ms };
    expect(light.blocks.template({ ...wanted, txs: [] })).toBeUndefined();
  });

  it('refuses a header whose state root is not that of the executed parent', async () => {
    const { peer, light, id } = await synced();
    await light.blocks.execute((await peer.block(id))!, await peer.witness(id));
    const { header } = nextBlock(peer, ann);
    expect(await light.headers.import([{ ...header, stateRoot: MODEL }])).toMatchObject({
      fault: 'header.state-root',
    });
    expect(await light.headers.import([header])).toMatchObject({ added: 1 });
  });

  it('judges the state root of a block beside its head when its turn comes', async () => {
    const { peer, light, id } = await synced();
    await light.blocks.execute((await peer.block(id))!, await peer.witness(id));
    const { header } = nextBlock(peer, ann);
    await light.headers.import([header]);
    await light.proofs.import(blockId(header), PROOF);
    const beside = { ...nextBlock(peer, bob, { salt: 3 }).header, stateRoot: MODEL };
    expect(await light.headers.import([beside])).toMatchObject({ added: 1 });
    expect(headOf(light)).toBe(toHex(blockId(header)));
  });

  it('makes a template that a full chain accepts, transactions included', async () => {
    const { peer, light, id } = await synced();
    const wanted = { miner: bob.address, modelId: MODEL, nowMs: clock.ms };
    expect(light.blocks.template({ ...wanted, txs: [] })).toBeUndefined();
    await light.blocks.execute((await peer.block(id))!, await peer.witness(id));
    const txs = [transfer(ann, 1, bob, 5n), transfer(bob, 9, ann, 1n)];
    const parties = [ann, bob].map(({ address }) => stateKey.account(address));
    const keys = [...(await light.blocks.templateKeys()), ...parties];
    expect(await light.state.learn(id, (await peer.proveState(id, keys))!)).toBeUndefined();
    const { core, body } = light.blocks.template({ ...wanted, txs })!;
    expect(body).toEqual(bodyOf([txs[0]!]));
    // A miner asks before each unit: what was chosen is not chosen again.
    expect(light.blocks.template({ ...wanted, txs })!.body).toBe(body);
    expect(light.blocks.template({ ...wanted, txs: [...txs] })!.body).not.toBe(body);
    const header = { ...core, proofDigest: MODEL };
    const done = await peer.importBlock({ header, body, proof: PROOF });
    expect(done).toMatchObject({ status: 'extended' });
  });

  it('leaves a block that fails execution, and refuses it from then on', async () => {
    const { peer, light } = await synced();
    const good = nextBlock(peer, ann);
    const unpaid = transfer(bob, 0, ann, 10n ** 15n);
    const { bodyRoot } = await import('../../src/core/tx/body.ts');
    const body = bodyOf([unpaid]);
    const bad = { header: { ...good.header, bodyRoot: bodyRoot(body) }, body };
    const badId = blockId(bad.header);
    await light.headers.import([bad.header]);
    await light.proofs.import(badId, PROOF);
    expect(headOf(light)).toBe(toHex(badId));
    const keys = [...(await light.blocks.templateKeys()), stateKey.account(bob.address)];
    const witness = (await peer.proveState(peer.head().id, [
      ...keys,
      stateKey.coinbase(7),
      stateKey.coinbase(4),
    ]))!;
    const done = await light.blocks.execute(bad, witness);
    expect(done).toMatchObject({ fault: 'tx.nonce' });
    expect(headOf(light)).toBe(headOf(peer));
    const child = { ...good.header, height: good.header.height + 1, prevHash: badId };
    const grandchild = { ...child, height: child.height + 1, prevHash: blockId(child) };
    for (const header of [bad.header, child, grandchild]) {
      expect(await light.headers.judge(header)).toMatchObject({ fault: 'header.known-invalid' });
      const told = await light.headers.import([header]);
      expect(told).toMatchObject({ fault: 'header.known-invalid' });
    }
    await peer.importBlock(good);
    await sync(light, peer);
    expect(headOf(light)).toBe(headOf(peer));
  });

  it('does not blame the block for a bad witness', async () => {
    const { peer, light, id } = await synced();
    const block = (await peer.block(id))!;
    const parent = block.header.prevHash;
    const other = (await peer.witness(parent))!;
    expect(await light.blocks.execute(block, other)).toMatchObject({ fault: 'state.witness' });
    expect(await light.blocks.execute(block, MODEL)).toMatchObject({ fault: 'state.proof' });
    expect(headOf(light)).toBe(headOf(peer));
  });
});

describe('database', () => {
  it('goes on over IndexedDB', async () => {
    const peer = await chainAt();
    await mine(peer, ann, 20);
    const store = await createIdbStore('pila-light');
    await sync(await openLight(store), peer);
    await store.close();
    const again = await openLight(await createIdbStore('pila-light'));
    expect(headOf(again)).toBe(headOf(peer));
  });

  it('wipes itself for another genesis, refuses one of another network', async () => {
    const peer = await chainAt();
    await mine(peer, ann, 3);
    const light = await openLight();
    await sync(light, peer);
    const same = await light.store.begin((await peer.header(0))!);
    expect(same).toMatchObject({ rebuilt: false });
    expect(headOf(light)).toBe(headOf(peer));
    const foreign = genesisPoint({ ...PARAMS, chainId: 9 }, START_MS).header;
    expect(await light.store.begin(foreign)).toMatchObject({ fault: 'header.version' });
    const later = genesisPoint(PARAMS, START_MS + 1).header;
    expect(await light.store.begin(later)).toMatchObject({ rebuilt: true });
    expect(light.store.chain!.headers.head().header).toEqual(later);
  });

  it('is rebuilt when anything of it is missing or mangled', async () => {
    const peer = await chainAt();
    await mine(peer, ann, 10);
    for (const damage of ['format', 'paths', 'l/0000000000/0000000004', 'c/', 'k/']) {
      const store = createMemoryStore();
      await sync(await openLight(store), peer);
      const { key } = (await store.range(damage, `${damage}~`))[0]!;
      const value = damage === 'k/' || damage === 'format' ? MODEL : undefined;
      await store.batch([{ key, value }]);
      const light = await openLight(store);
      expect([damage, light.store.wiped?.code]).toEqual([damage, 'STORE_CORRUPT']);
      await sync(light, peer);
      expect(headOf(light)).toBe(headOf(peer));
    }
  });

  it('begins anew where an older program wrote, and says so', async () => {
    const peer = await chainAt();
    await mine(peer, ann, 3);
    const store = createMemoryStore();
    await sync(await openLight(store), peer);
    const { chainId } = PARAMS;
    await store.batch([formatPut({ kind: 'light', schema: LIGHT_SCHEMA - 1, chainId }, MODEL)]);
    const light = await openLight(store);
    expect(light.store.wiped?.code).toBe('STORE_OLD');
    expect(light.headers.head().header.height).toBe(0);
    await sync(light, peer);
    expect(headOf(light)).toBe(headOf(peer));
    expect((await openLight(store)).store.wiped).toBeUndefined();
  });

  it('is whole after a kill at any write', async () => {
    const a = await chainAt();
    await mine(a, ann, 4);
    const b = await copyOf(a);
    await mine(a, ann, 2, { salt: 1 });
    await mine(b, bob, 3, { salt: 2 });
    for (let kill = 0, killed = true; killed; kill++) {
      const store = createMemoryStore();
      let writes = 0;
      killed = false;
      const dying: Store = {
        ...store,
        async batch(puts, durable) {
          if (writes++ >= kill) {
            killed = true;
            throw new Error('killed');
          }
          return store.batch(puts, durable);
        },
      };
      const light = await openLight(dying).catch(() => undefined);
      if (light) await sync(light, a).catch(() => undefined);
      if (light) await sync(light, b).catch(() => undefined);
      const again = await openLight(store);
      expect(again.store.wiped).toBeUndefined();
      await sync(again, a);
      await sync(again, b);
      expect(headOf(again)).toBe(headOf(b));
    }
  });
});
