/** Packages on this device: fetched from unreliable and hostile sources, kept, repaired, freed, served. */
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import type { StoredModel } from '../../../src/client/api.ts';
import { PARTS_AT_ONCE } from '../../../src/client/models/fetch-parts.ts';
import { ModelSupply } from '../../../src/client/models/model-supply.ts';
import { openPackageStore, THIS_DEVICE } from '../../../src/client/models/package-store.ts';
import {
  httpSource,
  mirrorAddress,
  peerSource,
  type PartSource,
  type WantedPart,
} from '../../../src/client/models/part-sources.ts';
import { networkOf } from '../../../src/client/models/networks.ts';
import { plainHash } from '../../../src/core/hash.ts';
import { modelId, unitShape, type Manifest } from '../../../src/core/manifest.ts';
import { MODEL_SLICE_BYTES, type SyncRequest } from '../../../src/core/messages.ts';
import { equal, fromHex, toHex, utf8 } from '../../../src/lib/bytes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { createMemoryParts, type PartStore } from '../../../src/miner/package/part-store.ts';
import { packageOf } from '../../../src/miner/package/package.ts';
import { OUTLINE, partNumbers, partsOfFile, planParts } from '../../../src/miner/package/parts.ts';
import { createFileParts } from '../../../src/node/file-parts.ts';
import { createPackagedParts } from '../../../src/node/packaged-parts.ts';
import { keepEachFile, keepParts } from './kept-parts.ts';
import { openPackaged } from './packaged.ts';

const network = networkOf('e2e');
const { models } = network;
const [id, manifest] = [...models].find(([, m]) => m.name === 'tiny')!;
const model = fromHex(id)!;
const packaged = await openPackaged(network);
const { files } = await packaged.load(id);
/** Of this size the small model has many parts: joined files, whole ones, and cut ones. */
const partBytes = 32 * 1024;
const plan = planParts(manifest, partBytes);
const all = partNumbers(plan);
const folder = mkdtempSync(join(tmpdir(), 'pila-store-'));
afterAll(() => rmSync(folder, { recursive: true }));
const truth = await keepParts(id, plan, files);

/** Gives true parts unless `change` makes something else of them. */
function source(
  name: string,
  change: (bytes: Uint8Array, part: number) => Uint8Array = (bytes) => bytes,
) {
  const asked: number[] = [];
  const blamed: number[] = [];
  const own: PartSource = {
    name,
    async fetch({ part }: WantedPart, signal, onBytes) {
      asked.push(part);
      await new Promise((r) => setTimeout(r, 1));
      signal.throwIfAborted();
      const bytes = change((await truth.read(id, part))!, part);
      onBytes(bytes.length);
      return bytes;
    },
    blame: (part) => void blamed.push(part),
  };
  return { ...own, asked, blamed };
}
const broken = (): never => {
  throw new AppError('MODEL_MISSING', 'no');
};
const flipped = (bytes: Uint8Array): Uint8Array => bytes.with(7, bytes[7]! ^ 1);
const hang = (): PartSource => ({
  name: 'hang',
  fetch: (_, signal) =>
    new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error)),
    ),
  blame: () => undefined,
});

async function shelf(sources: readonly PartSource[], store: PartStore = createMemoryParts()) {
  const told: StoredModel[] = [];
  const packages = await openPackageStore({
    models,
    store,
    sources: () => sources,
    partBytes,
    roundWaitMs: 1,
    onChange: (m) => void told.push(m),
  });
  const status = async () => (await packages.all()).find((m) => m.name === 'tiny')!;
  return { packages, store, told, status };
}

describe('fetching', () => {
  it('takes each part once, and gives the miner a package that passes every check', async () => {
    const one = source('one');
    const { packages, status, told } = await shelf([one]);
    expect(await status()).toMatchObject({ state: 'absent', stored: 0, bytes: plan.bytes });
    // Whose it is, is known before it is fetched.
    const { licence, attribution } = await status();
    expect([licence, attribution]).toEqual(['MIT', 'The Pila authors.']);
    await Promise.all([packages.fetch(id), packages.fetch(id)]);
    expect([...one.asked].sort((a, b) => a - b)).toEqual(all);
    expect(await status()).toMatchObject({ state: 'stored', stored: plan.bytes, arriving: 0 });
    const { files } = await packages.load(id);
    expect(packageOf(manifest, files).id).toEqual(model);
    await vi.waitUntil(() => told.at(-1)?.state === 'stored');
  });

  it('has a bounded number of parts on their way', async () => {
    let now = 0;
    let most = 0;
    const one: PartSource = {
      ...source('one'),
      async fetch({ part }) {
        most = Math.max(most, ++now);
        await new Promise((r) => setTimeout(r, 2));
        now--;
        return (await truth.read(id, part))!;
      },
    };
    await (await shelf([one])).packages.fetch(id);
    expect(most).toBe(PARTS_AT_ONCE);
  });

  it('keeps what came before a stop, and goes on there after a restart', async () => {
    const store = createMemoryParts();
    let given = 0;
    const slow: PartSource = {
      ...source('slow'),
      fetch: (wanted, ...rest) =>
        given++ < 3 ? source('s').fetch(wanted, ...rest) : hang().fetch(wanted, ...rest),
    };
    const before = await shelf([slow], store);
    const fetching = before.packages.fetch(id);
    await vi.waitUntil(async () => (await store.sizes(id)).size === 3);
    expect(await before.status()).toMatchObject({ state: 'fetching' });
    before.packages.stop(id);
    await expect(fetching).rejects.toMatchObject({ code: 'MODEL_STOPPED' });
    expect(await before.status()).toMatchObject({ state: 'partial', arriving: 0 });
    expect((await before.status()).problem).toBeUndefined();

    const kept = [...(await store.sizes(id)).keys()];
    const one = source('one');
    const after = await shelf([one], store);
    await after.packages.fetch(id);
    expect([...one.asked].sort((a, b) => a - b)).toEqual(
      all.filter((part) => !kept.includes(part)),
    );
  });

  it('refuses a spoiled part, blames its source, takes nothing more from it', async () => {
    const liar = source('liar', (bytes, part) => (part === 2 ? flipped(bytes) : bytes));
    const honest = source('honest');
    const { packages, status } = await shelf([liar, honest]);
    await packages.fetch(id);
    expect(liar.blamed).toEqual([2]);
    expect(honest.asked).toContain(2);
    const at = liar.asked.indexOf(2);
    // Those that were on their way.
    expect(liar.asked.length - at).toBeLessThanOrEqual(2 * PARTS_AT_ONCE);
    expect(await status()).toMatchObject({
      state: 'stored',
      refused: [{ source: 'liar', part: 2 }],
    });
  });

  it('asks the source that worked first, and returns to it', async () => {
    const down = source('down', broken);
    const one = source('one');
    await (await shelf([down, one])).packages.fetch(id);
    // Each of the first parts may have met it; none after.
    expect(down.asked.length).toBeLessThanOrEqual(PARTS_AT_ONCE);
  });

  it('tells why nobody could give it, and keeps nothing that is wrong', async () => {
    const nobody = await shelf([]);
    await expect(nobody.packages.fetch(id)).rejects.toMatchObject({ code: 'MODEL_MISSING' });
    expect(await nobody.status()).toMatchObject({ state: 'absent', problem: 'MODEL_MISSING' });
    const liar = await shelf([source('liar', flipped)]);
    await expect(liar.packages.fetch(id)).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
    expect(await liar.status()).toMatchObject({ stored: 0, problem: 'MODEL_CORRUPT' });
    expect(await liar.store.sizes(id)).toEqual(new Map());
    expect((await liar.status()).refused.length).toBeLessThanOrEqual(8);
  });

  it('ends with the store’s own code when there is no room', async () => {
    const store: PartStore = {
      ...createMemoryParts(),
      write: () => Promise.reject(new AppError('MODEL_STORE_FULL', 'no room')),
    };
    const { packages } = await shelf([source('one')], store);
    await expect(packages.fetch(id)).rejects.toMatchObject({ code: 'MODEL_STORE_FULL' });
  });

  it('refuses a model that is not admitted', async () => {
    const { packages } = await shelf([source('one')]);
    expect(() => packages.fetch('ee'.repeat(32))).toThrow(
      expect.objectContaining({ code: 'MODEL_MISSING' }),
    );
  });

  it('fetches the outline first where files are bigger than a part', async () => {
    const { asked, ...one } = source('one');
    const store = createMemoryParts();
    const isWhole = async () => {
      const loaded = (await (await shelf([one], store)).packages.load(id)).files;
      return loaded.length === files.length && loaded.every((file, i) => equal(file, files[i]!));
    };
    expect(await isWhole()).toBe(true);
    expect(asked[0]).toBe(OUTLINE);
    expect(asked.toSorted((a, b) => a - b)).toEqual(all);
    // A rotten part of joined files, one of a cut file, and a rotten outline: these alone come anew.
    for (const part of [1, 4, OUTLINE]) {
      await store.write(id, part, flipped((await store.read(id, part))!));
      asked.length = 0;
      expect(await isWhole()).toBe(true);
      expect(asked).toEqual([part]);
    }
  });
});

describe('what is kept', () => {
  it('rots: noticed when it is used, that part alone fetched again', async () => {
    const store = createMemoryParts();
    const one = source('one');
    const { packages, status } = await shelf([one], store);
    await packages.fetch(id);
    // Of joined files, and of a cut one.
    const rotten = [1, 4];
    for (const part of rotten) {
      await store.write(id, part, flipped((await store.read(id, part))!));
      one.asked.length = 0;
      expect((await packages.load(id)).files).toEqual(files);
      expect(one.asked).toEqual([part]);
    }
    const refused = rotten.map((part) => ({ source: THIS_DEVICE, part }));
    expect((await status()).refused).toEqual(refused);
  });

  it('a disk that spoils everything ends the load', async () => {
    const store = createMemoryParts();
    const bad: PartStore = {
      ...store,
      write: (model, part, bytes) => store.write(model, part, flipped(bytes)),
    };
    const { packages } = await shelf([source('one')], bad);
    await expect(packages.load(id)).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
  });

  it('a part that was cut short counts as missing', async () => {
    const store = createMemoryParts();
    await store.write(id, 1, new Uint8Array(5));
    expect(await (await shelf([], store)).status()).toMatchObject({ state: 'absent', stored: 0 });
  });

  it.each([
    ['memory', async () => createMemoryParts()],
    ['files', async () => createFileParts(await mkdtemp(join(folder, 'parts-')))],
  ])('in %s under an older numbering goes at the start, and comes anew', async (_, create) => {
    const store = await create();
    await keepEachFile(id, files, store);
    const now = planParts(manifest);
    expect(now.parts.length).toBeLessThan(files.length);
    // Of the right size, and not what this number names now.
    await store.write(id, 2, new Uint8Array(now.parts[1]!.size));
    const asked: number[] = [];
    const one: PartSource = {
      ...source('one'),
      fetch: async ({ part }) => (asked.push(part), (await packaged.read(id, part, 0, Infinity))!),
    };
    const options = { models, store, sources: () => [one], onChange: () => undefined };
    const packages = await openPackageStore(options);
    expect([...(await store.sizes(id))]).toEqual([[2, now.parts[1]!.size]]);
    expect((await packages.load(id)).files).toEqual(files);
    expect(asked).toEqual(partNumbers(now));
    expect([...(await store.sizes(id)).keys()].toSorted()).toEqual(partNumbers(now));
  });

  it('over a folder that has the package, under an older numbering, is not asked for', async () => {
    const over = createMemoryParts();
    await keepEachFile(id, files, over);
    const store = await createPackagedParts(models, over);
    const options = { models, store, sources: () => [], onChange: () => undefined };
    const packages = await openPackageStore(options);
    expect(await over.sizes(id)).toEqual(new Map());
    expect((await packages.load(id)).files).toEqual(files);
  });

  it('is freed on request, and at the start when the network admits it no more', async () => {
    const store = createMemoryParts();
    await store.write('dd'.repeat(32), 1, new Uint8Array(5));
    const { packages, status } = await shelf([source('one')], store);
    expect(await store.models()).toEqual([]);
    await packages.fetch(id);
    await packages.free(id);
    expect(await store.models()).toEqual([]);
    expect(await status()).toMatchObject({ state: 'absent', stored: 0 });
  });

  it('is served in slices of at most 256 KiB, whole or not', async () => {
    const [lingua, other] = [...models].find(([, m]) => m.name === 'lingua')!;
    const [table] = partsOfFile(planParts(other), unitShape(other).segments.length);
    const ask = (part: number, at: number) =>
      packaged.answer({ type: 'model', id: fromHex(lingua)!, part, at });
    const whole = (await packaged.read(lingua, table!, 0, Infinity))!;
    expect(whole.length).toBeGreaterThan(MODEL_SLICE_BYTES);
    const at = MODEL_SLICE_BYTES;
    for (const from of [0, at]) {
      const answer = await ask(table!, from);
      if (answer.type !== 'model') throw new Error(answer.type);
      expect(equal(answer.bytes, whole.slice(from, from + at))).toBe(true);
    }
    for (const [part, from] of [
      [0, 0],
      [99, 0],
      [65_535, 0],
    ] as const)
      expect(await ask(part, from)).toMatchObject({ type: 'unavailable' });
    expect(await ask(table!, 2 ** 32 - 1)).toEqual({ type: 'model', bytes: new Uint8Array() });
  });

  it('a miner is given each package once, again after it died or the package was freed', async () => {
    const { packages } = await shelf([], truth);
    const supply = new ModelSupply((id) => packages.load(id));
    const given: string[] = [];
    const worker = (name: string) => ({
      provide: async () => void given.push(name),
      release: async () => void given.push(`${name} lets go`),
    });
    const [a, b] = [worker('a'), worker('b')];
    await Promise.all([supply.give(a, model), supply.give(a, model)]);
    expect([given, supply.has(a, model), supply.has(b, model)]).toEqual([['a'], true, false]);
    await supply.give(b, model);
    expect([given, supply.has(a, model)]).toEqual([['a', 'b'], false]);
    void supply.forget(id);
    await supply.give(b, model);
    expect(given).toEqual(['a', 'b', 'b lets go', 'b']);
  });
});

it('a tokenizer is the last part: fetched and checked, and nothing for the miner', async () => {
  const words = utf8('{"words":[]}');
  const tokenizer = { hash: plainHash(words), size: words.length };
  const named = { ...manifest, tokenizer };
  const last = plan.parts.length + 1;
  const own = toHex(modelId(named));
  const given: Uint8Array[][] = [];
  const one: PartSource = {
    ...source('one'),
    fetch: async ({ part }) => (part === last ? words : (await truth.read(id, part))!),
  };
  const packages = await openPackageStore({
    models: new Map([[own, named]]),
    partBytes,
    store: createMemoryParts(),
    sources: () => [one],
    onChange: () => undefined,
  });
  const supply = new ModelSupply((id) => packages.load(id));
  const provide = async (_: unknown, files: readonly Uint8Array[]) => void given.push([...files]);
  await supply.give({ provide, release: async () => undefined }, modelId(named));
  expect(given[0]).toHaveLength(plan.files.length);
  expect(await packages.read(own, last, 0, 99)).toEqual(words);
});

it('the files that no pass needs come last, and each alone', async () => {
  const files = { tokenizer: utf8('{"words":[]}'), template: utf8('{"version":1}') };
  const refs = Object.entries(files).map(([name, file]) => [
    name,
    { hash: plainHash(file), size: file.length },
  ]);
  const named = { ...manifest, ...(Object.fromEntries(refs) as Partial<Manifest>) };
  const bare = { ...named, tokenizer: null };
  const count = plan.parts.length;
  const asked: number[] = [];
  const openedFor = async (m: Manifest) => {
    const last = m.tokenizer ? [files.tokenizer, files.template] : [files.template];
    const one: PartSource = {
      ...source('one'),
      fetch: async ({ part }) => {
        asked.push(part);
        return last[part - count - 1] ?? (await truth.read(id, part))!;
      },
    };
    return openPackageStore({
      models: new Map([[id, m]]),
      partBytes,
      store: createMemoryParts(),
      sources: () => [one],
      onChange: () => undefined,
    });
  };

  const both = await openedFor(named);
  expect(await both.generation(id, false)).toBeUndefined();
  expect(await both.generation(id, true)).toEqual(files.template);
  expect(asked).toEqual([count + 2]);
  expect(await both.tokenizer(id, true)).toEqual(files.tokenizer);
  expect(asked).toEqual([count + 2, count + 1]);
  expect(await both.generation(id, false)).toEqual(files.template);
  expect((await both.load(id)).files.slice(-2)).toEqual([files.tokenizer, files.template]);

  const second = await openedFor(bare);
  await Promise.all([second.generation(id, true), second.generation(id, true)]);
  expect(asked.filter((part) => part > count)).toEqual([count + 2, count + 1, count + 1]);
  const plain = await openedFor(manifest);
  await expect(plain.generation(id, true)).rejects.toMatchObject({ code: 'MODEL_REFUSED' });
});

describe('a peer', () => {
  const asks = (answer: (r: Extract<SyncRequest, { type: 'model' }>) => unknown) => {
    const charged: string[] = [];
    const transport = {
      request: async (_: string, request: never) => answer(request),
      charge: (_: string, { fault }: { fault: string }) => void charged.push(fault),
    };
    return { own: peerSource(transport as never, 'peer'), charged };
  };
  const wanted = { model, part: 1, size: plan.parts[0]!.size };
  const free = new AbortController().signal;

  it('gives a part slice by slice', async () => {
    const { packages } = await shelf([], truth);
    const { own, charged } = asks((request) => packages.answer(request));
    let bytes = 0;
    expect(await own.fetch(wanted, free, (more) => (bytes += more))).toEqual(
      await truth.read(id, 1),
    );
    expect([bytes, charged]).toEqual([wanted.size, []]);
  });
  it('is charged for slices of another size, at once, and for wrong bytes', async () => {
    for (const size of [0, 1, MODEL_SLICE_BYTES - 1]) {
      const { own, charged } = asks(() => ({ type: 'model', bytes: new Uint8Array(size) }));
      await expect(own.fetch(wanted, free, () => undefined)).rejects.toMatchObject({
        code: 'MODEL_MISSING',
      });
      expect(charged).toEqual(['wire.model']);
    }
    const { own, charged } = asks(() => undefined);
    own.blame(1);
    expect(charged).toEqual(['wire.model']);
  });
  it('is not charged for not having it', async () => {
    const { own, charged } = asks(() => ({ type: 'unavailable', reason: 'no' }));
    await expect(own.fetch(wanted, free, () => undefined)).rejects.toMatchObject({
      code: 'MODEL_MISSING',
    });
    expect(charged).toEqual([]);
  });
});

describe('a server', () => {
  let close = (): unknown => undefined;
  afterEach(() => close());
  async function serve(listener: RequestListener, stallMs?: number) {
    const server = createServer(listener);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    close = () => (server.closeAllConnections(), server.close());
    return httpSource(`http://127.0.0.1:${(server.address() as AddressInfo).port}/m/`, stallMs);
  }
  /** The deadline of a server that never goes on; one that answers has the product's. */
  const SILENCE_MS = 200;
  const wanted = { model, part: 1, size: 4 };
  const free = new AbortController().signal;

  it('gives <base><id>/<part>', async () => {
    let path: string | undefined;
    const own = await serve((request, response) => {
      path = request.url;
      response.end(Uint8Array.of(1, 2, 3, 4));
    });
    const bytes = await own.fetch(wanted, free, () => undefined);
    expect([path, [...bytes]]).toEqual([`/m/${id}/1`, [1, 2, 3, 4]]);
  });
  it.each<[string, RequestListener, number?]>([
    ['404', (_, response) => void response.writeHead(404).end('none')],
    ['too few bytes', (_, response) => void response.end(Uint8Array.of(1, 2, 3))],
    ['a byte too many', (_, response) => void response.end(Uint8Array.of(1, 2, 3, 4, 5))],
    ['elsewhere', (_, response) => void response.writeHead(302, { location: '/' }).end()],
    ['silence', () => undefined, SILENCE_MS],
    ['silence in the middle', (_, response) => void response.write(Uint8Array.of(1)), SILENCE_MS],
  ])('is given up at %s', async (_, listener, stallMs?) => {
    const own = await serve(listener, stallMs);
    await expect(own.fetch(wanted, free, () => undefined)).rejects.toMatchObject({
      code: 'MODEL_MISSING',
    });
  });

  it('is given up where bytes trickle, however long that goes on', async () => {
    const own = await serve((_, response) => {
      const timer = setInterval(() => response.write(Uint8Array.of(1)), 20);
      response.on('close', () => clearInterval(timer));
    }, SILENCE_MS);
    let came = 0;
    const whole = own.fetch({ ...wanted, size: 1 << 20 }, free, (more) => (came += more));
    await expect(whole).rejects.toMatchObject({ code: 'MODEL_MISSING' });
    expect(came).toBeGreaterThan(0);
  });

  it('may be a mirror on https or on this machine only', () => {
    expect(mirrorAddress('https://a.example/m')).toBe('https://a.example/m/');
    expect(mirrorAddress('http://localhost:1/')).toBe('http://localhost:1/');
    for (const bad of [
      'http://a.example/',
      'ftp://a/',
      'data:,x',
      '/m',
      'https://u@a/',
      'https://a/?x',
    ])
      expect(mirrorAddress(bad), bad).toBeUndefined();
  });
});
