/** Served models: the list, and packages that are known by their id alone, from sources that lie. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { modelNamed, networkOf } from '../../../src/client/models/networks.ts';
import {
  openPackageStore,
  servedOf,
  type PackageStoreDeps,
} from '../../../src/client/models/package-store.ts';
import {
  httpSource,
  peerSource,
  SourceBusy,
  type PartSource,
} from '../../../src/client/models/part-sources.ts';
import {
  SERVED,
  SERVED_BYTES_MAX,
  SERVED_MAX,
  servedFrom,
  withTold,
  type ServedModel,
} from '../../../src/client/models/served.ts';
import { encode } from '../../../src/core/codec.ts';
import { Manifest, modelId } from '../../../src/core/manifest.ts';
import { equal, fromHex, toHex } from '../../../src/lib/bytes.ts';
import { packageOf, SERVED_MANIFEST_BYTES_MAX } from '../../../src/miner/package/package.ts';
import { createMemoryParts, type PartStore } from '../../../src/miner/package/part-store.ts';
import {
  idOf,
  MANIFEST_PART,
  partNumbers,
  passFiles,
  planServed,
} from '../../../src/miner/package/parts.ts';
import { createPackagedParts, MODEL_FOLDER } from '../../../src/node/packaged-parts.ts';
import { findServed, withServing } from '../../../src/node/served/served-folders.ts';
import { writeChatty } from '../../models/chatty.ts';
import { writePackage } from '../../../models/write-package.ts';
import { namedWeights } from '../../../models/fetch/named.ts';
import { chain } from '../../models/chain.ts';

const folder = mkdtempSync(join(tmpdir(), 'pila-served-'));
afterAll(() => rmSync(folder, { recursive: true }));
const closers: (() => unknown)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

const { model, generation } = writeChatty(join(folder, 'chatty'));
const { manifest } = model;
const id = toHex(model.id);
const said = servedOf(manifest);
const plan = planServed(manifest);
const { models } = networkOf('e2e');
const warned: unknown[] = [];
const log = { warn: (event: string) => void warned.push(event) };
const [own] = await findServed([join(folder, 'chatty')], log);
const truth = await createPackagedParts(models, createMemoryParts(), MODEL_FOLDER, [own!]);

type Change = (bytes: Uint8Array, part: number) => Uint8Array;

/** Gives the true parts unless `change` makes something else of them. */
function source(name = 'one', change: Change = (bytes) => bytes, parts: PartStore = truth) {
  const asked: number[] = [];
  const fetch: PartSource['fetch'] = async ({ model, part }, _signal, onBytes) => {
    asked.push(part);
    const bytes = change((await parts.read(toHex(model), part))!, part);
    onBytes(bytes.length);
    return bytes;
  };
  return { name, asked, fetch, blame: () => undefined };
}

async function shelf(sources: readonly PartSource[], more: Partial<PackageStoreDeps> = {}) {
  const { store = createMemoryParts() } = more;
  const packages = await openPackageStore({
    models,
    served: [said],
    store,
    sources: () => sources,
    roundWaitMs: 1,
    onChange: () => undefined,
    ...more,
  });
  const status = async () => (await packages.all()).find((m) => toHex(m.id) === id)!;
  return { packages, store, status };
}

describe('the list', () => {
  it('of the program is well formed, and names no mined model', () => {
    const mined = (['test', 'local', 'e2e'] as const).flatMap((name) => networkOf(name).names);
    expect(SERVED.length).toBeLessThanOrEqual(SERVED_MAX);
    for (const { name, licence, attribution, sources } of SERVED) {
      expect(mined).not.toContain(name);
      // Whose it is, and where it comes from, goes with every copy.
      for (const told of [licence, attribution, ...sources]) expect(told).not.toBe('');
      expect(sources.length).toBeGreaterThan(0);
      // What the screen's command brings.
      expect(namedWeights(name)).toMatchObject({ licence, attribution });
    }
  });

  it.each<[string, (entry: ServedModel) => unknown]>([
    ['not a list', (entry) => entry],
    ['an id that is no hash', (entry) => [{ ...entry, id: 'ab' }]],
    ['a name that is none', (entry) => [{ ...entry, name: '<b>' }]],
    ['a name twice', (entry) => [entry, { ...entry, id: 'ab'.repeat(32) }]],
    ['an id twice', (entry) => [entry, { ...entry, name: 'other' }]],
    ['no size', (entry) => [{ ...entry, bytes: 0 }]],
    ['half a byte', (entry) => [{ ...entry, bytes: 1.5 }]],
    ['more bytes than are kept', (entry) => [{ ...entry, bytes: SERVED_BYTES_MAX + 1 }]],
    [
      'a manifest over its bound',
      (entry) => [{ ...entry, manifestBytes: SERVED_MANIFEST_BYTES_MAX + 1 }],
    ],
    ['a source that is no https address', (entry) => [{ ...entry, sources: ['http://a.b/'] }]],
    ['a field that is missing', ({ licence: _, ...entry }) => [entry]],
    ['a field that is not known', (entry) => [{ ...entry, more: 1 }]],
    ['an endless text', (entry) => [{ ...entry, attribution: 'x'.repeat(1025) }]],
    [
      'too many',
      (entry) =>
        Array.from({ length: SERVED_MAX + 1 }, (_, i) => ({
          ...entry,
          name: `n${i}`,
          id: i.toString(16).padStart(64, '0'),
        })),
    ],
  ])('refuses %s', (_, change) => {
    expect(servedFrom([said])).toEqual([said]);
    expect(() => servedFrom(change(said))).toThrow(
      expect.objectContaining({ code: 'MODEL_CORRUPT' }),
    );
  });

  it('takes what a seed tells beside it, but no name that is known for other bytes', () => {
    const other = { ...said, id: 'ab'.repeat(32) };
    expect(withTold([said], ['tiny'], [])).toEqual([said]);
    expect(withTold([other], ['tiny'], [said])).toEqual([said]);
    expect(withTold([{ ...said, name: 'new' }], ['tiny'], [said])).toEqual([said]);
    expect(withTold([{ ...other, name: 'tiny' }], ['tiny'], [said])).toEqual([said]);
    for (const odd of [undefined, 7, 'x', [said, 7], { length: 2 ** 40 }])
      expect(withTold(odd, ['tiny'], [])).toEqual([]);
  });
});

describe('a package of which the id is known alone', () => {
  it('comes whole: the manifest first, then each part once', async () => {
    const one = source();
    const { packages, status } = await shelf([one]);
    expect(await status()).toMatchObject({ state: 'absent', stored: 0, isServed: true });
    expect(packages.manifests.has(id)).toBe(false);
    await packages.fetch(id);
    expect(one.asked[0]).toBe(MANIFEST_PART);
    expect([...one.asked].sort((a, b) => a - b)).toEqual(partNumbers(plan).sort((a, b) => a - b));
    expect(await status()).toMatchObject({ state: 'stored', stored: said.bytes });
    expect(packages.manifests.get(id)).toEqual(manifest);
    const { files } = await packages.load(id);
    expect(packageOf(manifest, files.slice(0, passFiles(manifest).length))).toEqual(model);
  });

  it('is not mined with, and has no place in a table of a network', () => {
    expect(modelNamed(networkOf('e2e'), manifest.name)).toBeUndefined();
  });

  it('gives one file alone after its manifest, and nothing that must not be fetched', async () => {
    const one = source();
    const { packages } = await shelf([one]);
    expect(await packages.generation(id, false)).toBeUndefined();
    expect(one.asked).toEqual([]);
    expect(await packages.generation(id, true)).toEqual(generation);
    expect(one.asked).toEqual([MANIFEST_PART, plan.parts.length]);
    expect(await packages.generation(id, false)).toEqual(generation);
    expect(await packages.tokenizer(id, false)).toBeUndefined();
  });

  it('stays after a restart, without the list; what belongs to no model goes', async () => {
    const { packages, store } = await shelf([source()]);
    await packages.fetch(id);
    await store.write('dd'.repeat(32), 1, new Uint8Array(5));
    await store.write('ee'.repeat(32), MANIFEST_PART, encode(Manifest, manifest));
    const again = await shelf([], { store, served: [] });
    expect(await store.models()).toEqual([id]);
    expect(await again.status()).toMatchObject({ name: 'chatty', state: 'stored' });
    expect((await again.packages.load(id)).manifest).toEqual(manifest);
  });

  it('goes on after a restart in the middle, by the manifest that is here', async () => {
    const store = createMemoryParts();
    const few = source('few', (bytes, part) => {
      if (part > 3 && part !== MANIFEST_PART) throw new Error('gone');
      return bytes;
    });
    const first = await shelf([few], { store });
    await expect(first.packages.fetch(id)).rejects.toMatchObject({ code: 'MODEL_MISSING' });
    const kept = [...(await store.sizes(id)).keys()];
    expect(kept).toContain(MANIFEST_PART);
    const one = source();
    const again = await shelf([one], { store });
    expect(await again.status()).toMatchObject({ state: 'partial', bytes: said.bytes });
    await again.packages.fetch(id);
    expect(one.asked.filter((part) => kept.includes(part))).toEqual([]);
    expect(await again.status()).toMatchObject({ state: 'stored' });
  });

  it('is given on to peers, its manifest too, and to who has it by its id alone', async () => {
    const giving = await shelf([source()]);
    await giving.packages.fetch(id);
    const transport = {
      request: async (_: string, request: never) => giving.packages.answer(request),
      charge: () => undefined,
    } as never;
    const { packages, status } = await shelf([peerSource(transport, 'a page')]);
    await packages.fetch(id);
    expect(await status()).toMatchObject({ state: 'stored', refused: [] });
  });

  it('is freed, and may be fetched again', async () => {
    const one = source();
    const { packages, store, status } = await shelf([one]);
    await packages.fetch(id);
    await packages.free(id);
    expect(await store.models()).toEqual([]);
    expect(await status()).toMatchObject({ state: 'absent', stored: 0, bytes: said.bytes });
    expect(packages.manifests.has(id)).toBe(false);
    await packages.fetch(id);
    expect(await status()).toMatchObject({ state: 'stored' });
  });

  it('is refused, before a byte of it, where others fill the room of served models', async () => {
    const store = createMemoryParts();
    const one = source();
    const large = { ...said, name: 'large', id: 'ab'.repeat(32), bytes: SERVED_BYTES_MAX };
    const { packages } = await shelf([one], { store, served: [said, large] });
    await packages.fetch(id);
    one.asked.length = 0;
    await expect(packages.fetch(large.id)).rejects.toMatchObject({ code: 'MODEL_STORE_FULL' });
    expect(one.asked).toEqual([]);
  });

  it('is refused too where the others’ manifests are still on their way', async () => {
    const never: PartSource['fetch'] = (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    const [a, b] = ['a', 'b'].map((name) => ({
      ...said,
      name,
      id: name.repeat(64),
      bytes: SERVED_BYTES_MAX - said.bytes,
    }));
    const { packages } = await shelf([{ ...source(), fetch: never }], { served: [a!, b!] });
    const first = packages.fetch(a!.id).catch(() => undefined);
    await expect(packages.fetch(b!.id)).rejects.toMatchObject({ code: 'MODEL_STORE_FULL' });
    packages.stopAll();
    await first;
  });

  it('keeps its parts where its manifest alone has rotted', async () => {
    const one = source();
    const { packages, store } = await shelf([one]);
    await packages.fetch(id);
    await store.write(id, MANIFEST_PART, new Uint8Array(said.manifestBytes));
    one.asked.length = 0;
    const again = await shelf([one], { store });
    await again.packages.fetch(id);
    expect(one.asked).toEqual([MANIFEST_PART]);
    expect(await again.status()).toMatchObject({ state: 'stored' });
  });

  it('that nobody names any more is gone once it is freed', async () => {
    const { packages, store } = await shelf([source()]);
    await packages.fetch(id);
    const again = await shelf([], { store, served: [] });
    await again.packages.free(id);
    expect([await again.status(), again.packages.knows(id)]).toEqual([undefined, false]);
    expect(await store.models()).toEqual([]);
  });
});

describe('a package that is freed in the middle of its fetch', () => {
  const gate = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    return { passed: promise, open: resolve };
  };
  const settled = () => new Promise((resolve) => setTimeout(resolve, 20));
  /** Gives the manifest and part 1, the second when `passed`; what is asked for beside them hangs until it is stopped. */
  const few = (passed?: Promise<void>): PartSource => {
    const one = source();
    const fetch: PartSource['fetch'] = async (wanted, signal, onBytes) => {
      if (wanted.part === 1) await passed;
      if (wanted.part === 1 || wanted.part === MANIFEST_PART)
        return one.fetch(wanted, signal, onBytes);
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    };
    return { ...one, fetch };
  };

  it('leaves nothing, though parts were being written', async () => {
    const own = createMemoryParts();
    const door = gate();
    let writes = 0;
    const store: PartStore = {
      ...own,
      async write(model, part, bytes) {
        if (part === 1 && ++writes) await door.passed;
        await own.write(model, part, bytes);
      },
    };
    const { packages, status } = await shelf([few()], { store });
    const fetching = packages.fetch(id).catch(() => undefined);
    await expect.poll(() => writes).toBe(1);
    const freeing = packages.free(id);
    await settled();
    door.open();
    await Promise.all([freeing, fetching]);
    await settled();
    expect([await own.models(), (await status()).stored]).toEqual([[], 0]);
  });

  it('leaves nothing, though a source gives a part after that', async () => {
    const door = gate();
    const { packages, store, status } = await shelf([few(door.passed)]);
    const fetching = packages.fetch(id).catch(() => undefined);
    await expect.poll(async () => (await status()).stored).toBeGreaterThan(0);
    await settled();
    await packages.free(id);
    door.open();
    await fetching;
    await settled();
    expect([await store.models(), (await status()).stored]).toEqual([[], 0]);
  });
});

describe('a source that lies', () => {
  const ends = async (sources: readonly PartSource[], served = said) => {
    const { packages, store, status } = await shelf(sources, { served: [served] });
    const error = await packages.fetch(served.id).then(
      () => undefined,
      (e: { code: string; message: string }) => e,
    );
    return { error, kept: [...(await store.sizes(served.id)).keys()], packages, status };
  };

  it('of the manifest is not believed, nor asked for more', async () => {
    const wrong = encode(Manifest, { ...manifest, attribution: 'mine' });
    const liar = source('liar', (bytes, part) => (part === MANIFEST_PART ? wrong : bytes));
    const { error, kept } = await ends([liar]);
    expect(error).toMatchObject({ code: 'MODEL_CORRUPT' });
    expect([liar.asked, kept]).toEqual([[MANIFEST_PART], []]);
    const both = await ends([liar, source()]);
    expect([both.error, both.kept.length]).toEqual([undefined, partNumbers(plan).length]);
  });

  it('of parts is found at the first, and they come from another', async () => {
    const liar = source('liar', (bytes, part) =>
      part === MANIFEST_PART ? bytes : bytes.with(0, bytes[0]! ^ 1),
    );
    expect((await ends([liar])).error).toMatchObject({ code: 'MODEL_CORRUPT' });
    const { error, status } = await ends([liar, source()]);
    expect(error).toBeUndefined();
    expect((await status()).refused).not.toEqual([]);
  });

  /** A package that is whole and not what was said of it. */
  const other = (change: Partial<Manifest>) => {
    const odd = { ...manifest, ...change };
    const encoded = encode(Manifest, odd);
    const told = { ...said, id: toHex(idOf(encoded)), manifestBytes: encoded.length };
    return { told, one: source('one', (_, part) => (part === MANIFEST_PART ? encoded : _)) };
  };

  it.each<[string, Partial<Manifest>, string]>([
    ['another name', { name: 'smollm2' }, 'MODEL_CORRUPT'],
    ['a larger tokenizer', { tokenizer: { hash: model.id, size: 2 ** 20 } }, 'MODEL_CORRUPT'],
    ['an endless tokenizer', { tokenizer: { hash: model.id, size: 2 ** 31 } }, 'MODEL_REFUSED'],
    ['an endless template', { template: { hash: model.id, size: 2 ** 31 } }, 'MODEL_REFUSED'],
    [
      'an endless segment',
      {
        shapes: manifest.shapes.map((shape) => ({
          ...shape,
          segments: shape.segments.map(({ hash }) => ({ hash, size: 2 ** 32 - 1 })),
        })),
      },
      'MODEL_REFUSED',
    ],
    ['another version', { version: 99 }, 'MODEL_CORRUPT'],
  ])('by its own manifest: %s; nothing else of it is asked for', async (_, change, code) => {
    const { told, one } = other(change);
    const { error, kept, packages } = await ends([one], told);
    expect(error).toMatchObject({ code });
    expect([one.asked, kept, packages.manifests.has(told.id)]).toEqual([
      [MANIFEST_PART],
      [],
      false,
    ]);
  });

  it('of the size of a manifest makes no peer pay that has the true one', async () => {
    const giving = await shelf([source()]);
    await giving.packages.fetch(id);
    const charged: string[] = [];
    const transport = {
      request: async (_: string, request: never) => giving.packages.answer(request),
      charge: (_: string, { fault }: { fault: string }) => void charged.push(fault),
    } as never;
    for (const manifestBytes of [said.manifestBytes - 1, said.manifestBytes + 1]) {
      const { error } = await ends([peerSource(transport, 'a page')], { ...said, manifestBytes });
      expect(error).toMatchObject({ code: 'MODEL_MISSING' });
    }
    expect(charged).toEqual([]);
  });

  it('of its manifest leaves nothing of it here', async () => {
    const { told, one } = other({ name: 'smollm2' });
    const store = createMemoryParts();
    await store.write(told.id, 1, new Uint8Array(5));
    const { packages } = await shelf([one], { store, served: [told] });
    await expect(packages.fetch(told.id)).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
    expect(await store.models()).toEqual([]);
  });

  it('with bytes that are no manifest, although they have the id', async () => {
    const bytes = new Uint8Array(100);
    const told = { ...said, id: toHex(idOf(bytes)), manifestBytes: 100 };
    const { error, kept } = await ends([source('one', () => bytes)], told);
    expect([error?.code, kept]).toEqual(['MODEL_CORRUPT', []]);
  });
});

describe('a server', () => {
  async function server(answer: RequestListener): Promise<PartSource> {
    const own = createServer(answer);
    await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
    closers.push(() => (own.closeAllConnections(), own.close()));
    return httpSource(`http://127.0.0.1:${(own.address() as AddressInfo).port}/models/`);
  }
  const wanted = { model: fromHex(id)!, part: MANIFEST_PART, size: said.manifestBytes };
  const { signal } = new AbortController();

  it('that never ends is given up where the manifest would end', async () => {
    const sent = { bytes: 0 };
    const endless = await server((_, response) => {
      const piece = new Uint8Array(2 ** 16);
      const write = (): void => {
        while (!response.destroyed && response.write(piece)) sent.bytes += piece.length;
      };
      response.on('drain', write).on('error', () => undefined);
      response.writeHead(200);
      write();
    });
    let came = 0;
    await expect(endless.fetch(wanted, signal, (more) => (came += more))).rejects.toMatchObject({
      code: 'MODEL_MISSING',
    });
    expect(came).toBeLessThanOrEqual(said.manifestBytes);
  });

  it.each([
    [503, '7', 7_000],
    [429, '9', 9_000],
    [503, '0', 1_000],
    [503, '999999', 600_000],
  ])(
    'that answers %i is asked again as it says: %s s, within bounds',
    async (status, s, waitMs) => {
      const busy = await server((_, response) => {
        response.writeHead(status, { 'retry-after': s }).end();
      });
      const error = await busy.fetch(wanted, signal, () => undefined).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(SourceBusy);
      expect((error as SourceBusy).waitMs).toBe(waitMs);
    },
  );

  it('that is busy and does not say until when is as one that has nothing', async () => {
    const busy = await server((_, response) => {
      response.writeHead(503, { 'retry-after': 'later' }).end();
    });
    await expect(busy.fetch(wanted, signal, () => undefined)).rejects.toMatchObject({
      code: 'MODEL_MISSING',
    });
  });
});

describe('a source that gives no more for now', () => {
  const busy = (times: number, waitMs = 1) => {
    const one = source('busy');
    let left = times;
    const fetch: PartSource['fetch'] = async (...args) => {
      if (left-- > 0) throw new SourceBusy(waitMs);
      return one.fetch(...args);
    };
    return { ...one, fetch };
  };

  it('is waited for, longer than one that is gone, and the screen hears of it', async () => {
    const waits: (number | undefined)[] = [];
    const { packages, status } = await shelf([busy(20, 300)], {
      onChange: ({ waitMs }) => void waits.push(waitMs),
    });
    const fetching = packages.fetch(id);
    await expect.poll(() => waits).toContain(300);
    await fetching;
    expect(await status()).toMatchObject({ state: 'stored', waitMs: undefined });
  });

  it('is not waited for where another gives', async () => {
    const { packages, status } = await shelf([busy(Infinity, 600_000), source()]);
    await packages.fetch(id);
    expect(await status()).toMatchObject({ state: 'stored', problem: undefined });
  });

  it('is waited for while others are looked for: one that comes gives it at once', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    closers.push(() => vi.useRealTimers());
    const sources: PartSource[] = [busy(Infinity, 600_000)];
    const { packages, status } = await shelf(sources);
    const fetching = packages.fetch(id);
    await vi.advanceTimersByTimeAsync(1000);
    expect((await status()).waitMs).toBe(600_000);
    const newcomer = source('newcomer');
    sources.push(newcomer);
    await vi.advanceTimersByTimeAsync(20_000);
    await fetching;
    expect(newcomer.asked.length).toBe(partNumbers(plan).length);
  });

  it('is asked again when it said, and not before', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    closers.push(() => vi.useRealTimers());
    const asked = vi.fn(async (): Promise<Uint8Array> => {
      throw new SourceBusy(40_000);
    });
    const one: PartSource = { name: 'busy', fetch: asked, blame: () => undefined };
    const { packages } = await shelf([one]);
    const fetching = packages.fetch(id).catch(() => undefined);
    await vi.advanceTimersByTimeAsync(39_000);
    expect(asked).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked).toHaveBeenCalledTimes(2);
    packages.stop(id);
    await fetching;
  });

  it('is not waited for without end', async () => {
    const { packages } = await shelf([busy(Infinity, 3 * 60 * 60_000)]);
    await expect(packages.fetch(id)).rejects.toMatchObject({ code: 'MODEL_MISSING' });
  });

  it('holds nobody who stops', async () => {
    const { packages, status } = await shelf([busy(Infinity, 600_000)]);
    const fetching = packages.fetch(id);
    await expect.poll(async () => (await status()).waitMs).toBe(600_000);
    packages.stop(id);
    await expect(fetching).rejects.toMatchObject({ code: 'MODEL_STOPPED' });
    expect((await status()).waitMs).toBeUndefined();
  });
});

describe('folders of a node', () => {
  it('that it was told must hold packages', async () => {
    expect(own!.said).toEqual(said);
    for (const odd of [folder, join(folder, 'nothing')])
      await expect(findServed([odd], log)).rejects.toMatchObject({ code: 'WRONG_FLAG' });
  });

  it('that were cut short while they were copied are none', async () => {
    const cut = join(folder, 'cut');
    for (const change of [
      (file: string) => truncateSync(file, 100),
      (file: string) => rmSync(file),
    ]) {
      for (const file of ['weights.bin', 'tokenizer.json', 'seg-1-0.onnx', 'table-0.bin']) {
        cpSync(join(folder, 'chatty'), cut, { recursive: true });
        change(join(cut, file));
        const found = findServed([cut], log);
        await expect(found).rejects.toMatchObject({ code: 'WRONG_FLAG' });
        await expect(found).rejects.toThrow(file);
        rmSync(cut, { recursive: true });
      }
    }
  });

  it('are told once each, and two of one name not at all', async () => {
    const chatty = join(folder, 'chatty');
    expect(await findServed([chatty, chatty], log)).toEqual([own]);
    expect(withServing([own!], [own!])).toEqual([own]);
    const other = join(folder, 'other');
    cpSync(chatty, other, { recursive: true });
    const file = join(other, 'manifest.json');
    const json = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...json, attribution: 'another' }));
    const [two] = await findServed([other], log);
    expect(() => withServing([own!], [two!])).toThrow(/both called chatty/);
    await expect(findServed([chatty, other], log)).rejects.toMatchObject({ code: 'WRONG_FLAG' });
    // What a node tells, a page reads.
    expect(servedFrom(withServing([own!], [own!]).map((one) => one.said))).toEqual([said]);
  });

  it('are found by themselves where they are what the list says', async () => {
    const options = { named: [said], fetched: folder };
    expect(await findServed(undefined, log, options)).toEqual([own]);
    const listed = [{ ...said, id: 'ab'.repeat(32) }];
    warned.length = 0;
    expect(await findServed(undefined, log, { ...options, named: listed })).toEqual([]);
    expect(warned).toEqual(['served.other']);
    expect(await findServed(undefined, log, { named: [said], fetched: tmpdir() })).toEqual([]);
  });

  it('give every part, the manifest and an outline too', async () => {
    const { otherShapes: _, ...large } = chain({
      sizes: [
        [128, 64],
        [128, 64],
      ],
      width: 32_768,
      wide: 2,
    });
    writePackage(join(folder, 'large'), large);
    const [found] = await findServed([join(folder, 'large')], log);
    const parts = await createPackagedParts(new Map(), createMemoryParts(), folder, [found!]);
    const { packages, store } = await shelf([source('one', (bytes) => bytes, parts)], {
      models: new Map(),
      served: [found!.said],
    });
    await packages.fetch(found!.said.id);
    expect((await store.sizes(found!.said.id)).size).toBe(
      partNumbers(planServed(large.manifest)).length,
    );
    const { files } = await packages.load(found!.said.id);
    const { tables } = packageOf(large.manifest, files);
    expect(equal(tables[0]!, large.tables[0]!)).toBe(true);
    expect(toHex(modelId(large.manifest))).toBe(found!.said.id);
  });
});
