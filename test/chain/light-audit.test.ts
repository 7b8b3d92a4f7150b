/** Audits of a light client: what an invented branch is worth to a newcomer, and what its headers cost it. */
import { beforeAll, expect, test } from 'vitest';
import { auditDeep, probe } from '../../src/chain/light/audit.ts';
import { BLOCKS_KEPT } from '../../src/chain/light/blocks.ts';
import { SEGMENTS_LEFT } from '../../src/chain/light/compact.ts';
import { dropBranch, selectHead } from '../../src/chain/light/head.ts';
import { importHeaders } from '../../src/chain/light/import.ts';
import { Branches } from '../../src/chain/light/memory/branches.ts';
import { KeptBlocks } from '../../src/chain/light/memory/kept-blocks.ts';
import type { LightMemory } from '../../src/chain/light/memory/memory.ts';
import { beginLight, secretOf } from '../../src/chain/light/open.ts';
import { wantedProofs } from '../../src/chain/light/proofs.ts';
import { lightKey, PathsRecord } from '../../src/chain/light/records.ts';
import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import type { Put, Store } from '../../src/chain/store/store.ts';
import { decode } from '../../src/core/codec.ts';
import { isFault } from '../../src/core/faults.ts';
import { genesisPoint } from '../../src/core/header/header.ts';
import { HEADERS_MAX } from '../../src/core/messages.ts';
import { PROOFS_KEPT } from '../../src/core/params.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { paramsFor } from '../core/header/params-for.ts';
import { MODEL, MODELS, PROOF, START_MS } from './make-blocks.ts';
import { MadeBranch, makeHeaders } from './make-headers.ts';
import { openLightChain } from './open-light.ts';

const params = paramsFor('test', [toHex(MODEL)], START_MS);
const genesis = genesisPoint(params, START_MS);
/** Blocks of the honest chain, and those of its newest that the attacker replaces. */
const [LENGTH, FORK] = [20_000, 500];

/** Shares the chain up to the fork; of the 501 blocks above it only the last 100 were mined. */
let forged: MadeBranch;
/** A newcomer that has all headers of the forged branch. */
let memory: LightMemory;

const secretAt = (n: number) => new Uint8Array(32).map((_, i) => (i < 2 ? n >> (8 * i) : 7));

/** The same newcomer on another device, before anything is drawn. */
function onDevice(secret: Uint8Array): LightMemory {
  const { paths, headPath, head, measure, nextSegment } = memory.branches;
  const branches = new Branches(params, { paths, headPath, head, measure, nextSegment });
  const kept = new KeptBlocks({ checked: new Map(), bodies: new Map(), sample: [] });
  return { ...memory, secret, branches, kept };
}

/** Gives the wanted proofs that there are. @returns heights of those that are missing */
function give(to: LightMemory, isThere: (height: number) => boolean): number[] {
  const wanted = wantedProofs(to);
  for (const { id, height } of wanted)
    if (isThere(height)) to.kept.addChecked(id, { height, model: 0, linear: 2, tile: 0 });
  return wanted.map(({ height }) => height).filter((height) => !isThere(height));
}

beforeAll(async () => {
  const shared = makeHeaders(genesis, LENGTH - FORK, { params });
  const above = makeHeaders(shared.tip, FORK + 1, { params, salt: 66 });
  const isMined = (height: number) => height <= LENGTH - FORK || height > LENGTH + 1 - 100;
  forged = new MadeBranch([...shared.headers, ...above.headers], isMined);
  memory = await beginLight(
    {
      store: createMemoryStore(),
      params,
      models: MODELS,
      secret: secretAt(0),
      stateLeavesMax: 1000,
      blocksKept: BLOCKS_KEPT,
      segmentsLeft: SEGMENTS_LEFT,
    },
    genesis,
  );
  for (let i = 0; i < forged.headers.length; i += HEADERS_MAX) {
    const batch = forged.headers.slice(i, i + HEADERS_MAX);
    const { result } = await importHeaders(memory, batch, forged.tip.time);
    if (isFault(result)) throw new Error(result.fault);
  }
});

test('a newcomer adopts 0 of 300 branches of which 401 blocks were never mined, 100 below the tip', async () => {
  let adopted = 0;
  let missing = 0;
  for (let n = 0; n < 300; n++) {
    const device = onDevice(secretAt(n));
    await auditDeep(device);
    missing += give(device, forged.isMined).length;
    if (await selectHead(device)) adopted++;
  }
  expect(adopted).toBe(0);
  // Not by luck: a third of the draws lies among the 401.
  expect(missing / 300).toBeGreaterThan(30);
});

test('with every proof it is adopted, with all but one of the drawn or of the newest hundred it is not', async () => {
  const { height } = forged.tip;
  const drawn = async (device: LightMemory) => {
    await auditDeep(device);
    return wantedProofs(device);
  };
  const device = onDevice(secretAt(1));
  const wanted = await drawn(device);
  expect(wanted.length).toBeGreaterThan(PROOFS_KEPT + 90);
  expect(wanted.length).toBeLessThanOrEqual(PROOFS_KEPT + 138);
  for (const missing of [height, height - 50, height - 99, wanted.at(-1)!.height]) {
    const lacking = onDevice(secretAt(1));
    await drawn(lacking);
    give(lacking, (one) => one !== missing);
    expect([missing, await selectHead(lacking)]).toEqual([missing, undefined]);
  }
  give(device, () => true);
  expect((await selectHead(device))?.point.header).toEqual(forged.tip);
});

test('a branch that was dropped owes what was drawn of it, whichever head it has then', async () => {
  const device = onDevice(secretAt(2));
  await auditDeep(device);
  const owed = give(device, forged.isMined);
  await dropBranch(device, forged.ids.at(-1)!);
  expect(wantedProofs(device)).toEqual([]);
  // One block shorter: another head, and other draws.
  const { paths, head, measure, nextSegment } = memory.branches;
  const path = paths.at(-1)!;
  const tip = path.recent.get(path.tip.header.height - 1)!;
  const recent = new Map([...path.recent].filter(([height]) => height <= tip.header.height));
  const cut = { ...path, tip, recent };
  device.branches.moveTo({ paths: [cut], headPath: cut, head, measure, nextSegment });
  await auditDeep(device);
  const wanted = wantedProofs(device).map(({ height }) => height);
  expect(wanted).toEqual(expect.arrayContaining(owed.filter((height) => height <= LENGTH - 100)));
});

test('of each 8,192 headers the newest and 8 drawn ones are asked for', async () => {
  const device = onDevice(secretAt(3));
  const id = forged.ids.at(-1)!;
  const wanted = await probe(device, id);
  const { height } = forged.tip;
  const heights = wanted.map((one) => one.height).sort((a, b) => b - a);
  expect(heights.slice(0, 8)).toEqual(Array.from({ length: 8 }, (_, i) => height - i));
  // One in each eighth of the rest; blocks of one difficulty are as much work as they are many.
  for (const [i, one] of heights.slice(8).reverse().entries()) {
    expect(one).toBeGreaterThan(((height - 8) * i) / 8);
    expect(one).toBeLessThanOrEqual(((height - 8) * (i + 1)) / 8 + 1);
  }
  expect(await probe(device, forged.ids[height - 2]!)).not.toEqual(wanted);
  for (const one of wanted)
    device.kept.addChecked(one.id, { height: one.height, model: 0, linear: 2, tile: 0 });
  expect(await probe(device, id)).toEqual([]);
  // Until as many headers came again.
  expect(await probe(onDevice(secretAt(4)), id)).not.toEqual([]);
});

test('the secret stays with the device: over a start, and over another genesis', async () => {
  const store = createMemoryStore();
  const open = (genesisMs: number) =>
    openLightChain({ store, params }, genesisPoint(params, genesisMs).header);
  await open(START_MS);
  const secret = await secretOf(store);
  expect(await secretOf(store)).toEqual(secret);
  const again = await open(START_MS);
  expect(await secretOf(store)).toEqual(secret);
  await again.store.begin(genesisPoint(params, START_MS + 1).header);
  expect(await secretOf(store)).toEqual(secret);
  // And over damage, for which the chain is wiped.
  await store.batch([{ key: 'paths', value: undefined }]);
  const mended = await open(START_MS);
  expect(mended.store.wiped?.code).toBe('STORE_CORRUPT');
  expect(await secretOf(store)).toEqual(secret);
  expect(await secretOf(createMemoryStore())).not.toEqual(secret);
});

test('a kill between the last proof and the head that it proves costs nothing', async () => {
  const store = createMemoryStore();
  // Of its draws none is block 1, which would move the head before the last proof.
  await store.batch([{ key: lightKey.secret, value: secretAt(1) }]);
  const { headers, tip } = makeHeaders(genesis, PROOFS_KEPT + 50, { params });
  const movesHead = ({ key, value }: Put) =>
    key === lightKey.paths && value && decode(PathsRecord, value).headHeight > 0;
  const dying: Store = {
    ...store,
    async batch(puts, durable) {
      if (puts.some(movesHead)) throw new Error('killed');
      return store.batch(puts, durable);
    },
  };
  const open = (on: Store) =>
    openLightChain({ store: on, params, now: () => tip.header.time }, genesis.header);
  const light = await open(dying);
  await light.headers.import(headers);
  await light.proofs.audit();
  const wanted = light.proofs.wanted();
  for (const { id } of wanted.slice(0, -1)) await light.proofs.import(id, PROOF);
  await expect(light.proofs.import(wanted.at(-1)!.id, PROOF)).rejects.toThrow('killed');

  const again = await open(store);
  await again.proofs.audit();
  expect(again.proofs.wanted()).toEqual([]);
  expect(again.headers.head().header).toEqual(tip.header);
});
