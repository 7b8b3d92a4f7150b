/** A seed's models: the packaged ones seen as parts, and parts over HTTP. */
import { cp, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { networkOf } from '../../src/client/models/networks.ts';
import { openPackageStore, type PackageStore } from '../../src/client/models/package-store.ts';
import { httpSource } from '../../src/client/models/part-sources.ts';
import { createMemoryParts } from '../../src/miner/package/part-store.ts';
import { openLanguage } from '../../src/miner/generator/course.ts';
import { checkFiles, GENERATION_FILE, packageOf } from '../../src/miner/package/package.ts';
import { isPart, partNumbers, planParts } from '../../src/miner/package/parts.ts';
import { createFileParts } from '../../src/node/file-parts.ts';
import { createHttp, listen, sendJson } from '../../src/node/http/http.ts';
import { createPackagedParts, MODEL_FOLDER } from '../../src/node/packaged-parts.ts';
import { ownCallers } from '../../src/node/http/caller.ts';
import { ServedBytes } from '../../src/client/models/served-bytes.ts';
import { fetchMissing, partsOr } from '../../src/node/seed/seed-models.ts';
import { writePackage } from '../../models/write-package.ts';
import { modelId, unitShape } from '../../src/core/manifest.ts';
import { equal, toHex } from '../../src/lib/bytes.ts';
import { chain } from '../models/chain.ts';
import { DECODER_SMALL, decoderPackage, generatedGeneration } from '../models/decoder.ts';

const network = networkOf('e2e');
const { models } = network;
const [id, manifest] = [...models].find(([, m]) => m.name === 'tiny')!;
const plan = planParts(manifest);
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const open = async (folder = MODEL_FOLDER, over = createMemoryParts()) => {
  const store = await createPackagedParts(models, over, folder);
  return openPackageStore({ models, store, sources: () => [], onChange: () => undefined });
};

async function serve(packages: PackageStore) {
  const giving = { bytes: new ServedBytes(0), callers: ownCallers, nowMs: Date.now };
  const otherwise = partsOr(packages, giving, (_, response) => sendJson(response, 404, {}));
  const { server } = createHttp({}, otherwise);
  const port = await listen(server, '127.0.0.1', 0);
  closers.push(() => (server.closeAllConnections(), server.close()));
  return { port, url: `http://127.0.0.1:${port}/models/` };
}

/** The models' folder with lingua's weights all zero. */
async function damagedFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pila-models-'));
  closers.push(() => rm(folder, { recursive: true }));
  await cp(join(MODEL_FOLDER, 'lingua'), join(folder, 'lingua'), { recursive: true });
  const { size } = await stat(join(folder, 'lingua/weights.bin'));
  await writeFile(join(folder, 'lingua/weights.bin'), new Uint8Array(size));
  return folder;
}

it('the packaged folder gives every part, in spans too', async () => {
  const store = await createPackagedParts(models, createMemoryParts());
  expect([...(await store.sizes(id)).keys()]).toEqual(partNumbers(plan));
  for (const part of partNumbers(plan))
    expect(await isPart(plan, part, (await store.read(id, part))!, undefined)).toBe(true);
  const last = plan.parts.length;
  const whole = (await store.read(id, last))!;
  // Also across the files that are joined in it.
  const across = plan.files[plan.parts.at(-1)!.file]!.size;
  for (const [from, to] of [
    [10, 20],
    [across - 3, across + 3],
    [across, across + 1],
    [0, across],
  ] as const)
    expect(await store.read(id, last, from, to)).toEqual(whole.subarray(from, to));
  expect(await store.read(id, last, whole.length - 2, whole.length + 9)).toHaveLength(2);
  expect(await store.read(id, last, whole.length + 5, whole.length + 9)).toHaveLength(0);
  expect(await store.read(id, last + 1)).toBeUndefined();
  expect(await store.read('ee'.repeat(32), 1)).toBeUndefined();
});

it('serves parts to anybody for ever, and nothing else', async () => {
  const { url } = await serve(await open());
  for (const part of partNumbers(plan)) {
    const response = await fetch(`${url}${id}/${part}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(await isPart(plan, part, bytes, undefined)).toBe(true);
    expect(response.headers.get('cache-control')).toContain('immutable');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
  }
  const missing = [`${id}/0`, `${id}/99`, `${id}/99999`, `${id}/123456`, `${id}/1/`, `${id}/../1`];
  for (const path of [...missing, `${'ee'.repeat(32)}/1`, 'tiny/manifest.json'])
    expect((await fetch(url + path)).status, path).toBe(404);
  expect((await fetch(`${url}${id}/1`, { method: 'POST' })).status).toBe(405);
  const head = await fetch(`${url}${id}/1`, { method: 'HEAD' });
  expect(head.headers.get('content-length')).toBe(String(plan.parts[0]!.size));
  expect(await head.text()).toBe('');
});

it('a node without a package fetches it from another, and what is damaged in its folder too', async () => {
  const { url } = await serve(await open());
  const folder = await mkdtemp(join(tmpdir(), 'pila-parts-'));
  closers.push(() => rm(folder, { recursive: true }));
  const over = createFileParts(folder);
  const store = await createPackagedParts(models, over, await damagedFolder());
  const sources = () => [httpSource(url)];
  const packages = await openPackageStore({ models, store, sources, onChange: () => undefined });
  const [lingua, other] = [...models].find(([, { name }]) => name === 'lingua')!;
  const { files } = await packages.load(lingua);
  await checkFiles(other, files);
  // Of the weights; the segments and the table were right.
  const graphs = unitShape(other).segments.length + other.tables.length;
  const { parts } = planParts(other);
  const damaged = [...parts.keys()].filter((i) => parts[i]!.file >= graphs).map((i) => i + 1);
  expect([...(await over.sizes(lingua)).keys()].toSorted((a, b) => a - b)).toEqual(damaged);
  expect([damaged.length, damaged.at(-1)]).toEqual([3, parts.length]);
  await packages.fetch(id);
  expect((await over.sizes(id)).size).toBe(plan.parts.length);
});

it('a reader that goes away in the middle ends its part, and no other', async () => {
  const { port, url } = await serve(await open());
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET /models/${id}/1 HTTP/1.1\r\nhost: a\r\n\r\n`);
  await new Promise((r) => socket.once('data', r));
  socket.destroy();
  expect((await fetch(`${url}${id}/1`)).status).toBe(200);
});

it('generation.json travels as a language model’s last part, and its head is opened from what came', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pila-models-'));
  closers.push(() => rm(folder, { recursive: true }));
  const file = generatedGeneration(DECODER_SMALL);
  const model = decoderPackage(DECODER_SMALL, false, file);
  const own = join(folder, model.manifest.name);
  writePackage(own, model);
  await writeFile(join(own, GENERATION_FILE), file);
  const ownId = toHex(model.id);
  const admitted = new Map([[ownId, model.manifest]]);
  const common = { models: admitted, onChange: () => undefined };
  const here = await createPackagedParts(admitted, createMemoryParts(), folder);
  const giving = await openPackageStore({ ...common, store: here, sources: () => [] });
  const { url } = await serve(giving);
  const store = createMemoryParts();
  const sources = () => [httpSource(url)];
  const fetching = await openPackageStore({ ...common, store, sources });
  expect(await fetching.generation(ownId, true)).toEqual(file);
  const last = planParts(model.manifest).parts.length;
  expect([...(await store.sizes(ownId)).keys()]).toEqual([last]);
  const { files } = await fetching.load(ownId);
  const { tables } = packageOf(model.manifest, files.slice(0, -1));
  const { head, generation } = await openLanguage(model.manifest, tables, files.at(-1)!);
  expect([head.vocabulary, generation.context]).toEqual([300, 32]);
});

it('a table of 17 MB travels in three parts, each checked by the outline, and is used', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pila-models-'));
  closers.push(() => rm(folder, { recursive: true }));
  const { otherShapes: _, ...large } = chain({
    sizes: [
      [128, 64],
      [128, 64],
    ],
    width: 32_768,
    wide: 2,
  });
  writePackage(join(folder, large.manifest.name), large);
  const largeId = toHex(modelId(large.manifest));
  const admitted = new Map([[largeId, large.manifest]]);
  const here = await createPackagedParts(admitted, createMemoryParts(), folder);
  const common = { models: admitted, onChange: () => undefined };
  const giving = await openPackageStore({ ...common, store: here, sources: () => [] });
  const largePlan = planParts(large.manifest);
  expect(largePlan.parts.filter(({ value }) => value !== undefined)).toHaveLength(3);

  const { url } = await serve(giving);
  const seed = httpSource(url);
  const asked: number[] = [];
  const counted = {
    ...seed,
    fetch: (...[wanted, ...rest]: Parameters<typeof seed.fetch>) => {
      asked.push(wanted.part);
      return seed.fetch(wanted, ...rest);
    },
  };
  const store = createMemoryParts();
  const fetching = await openPackageStore({ ...common, store, sources: () => [counted] });
  await fetching.fetch(largeId);
  expect(asked[0]).toBe(0);
  expect(asked.toSorted((a, b) => a - b)).toEqual(partNumbers(largePlan));
  const { files } = await fetching.load(largeId);
  const { tables } = packageOf(large.manifest, files);
  expect(equal(tables[0]!, large.tables[0]!)).toBe(true);
});

it('tells which models nobody has: a warning only where somebody could be asked', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pila-models-'));
  closers.push(() => rm(folder, { recursive: true }));
  const told: unknown[] = [];
  const log = {
    warn: (event: string, fields: unknown) => void told.push(['warn', event, fields]),
    info: (event: string, fields: unknown) => void told.push(['info', event, fields]),
  } as never;
  const one = { ...network, models: new Map([[id, manifest]]) };
  const store = await createPackagedParts(models, createMemoryParts(), folder);
  const quick = { models, store, sources: () => [], onChange: () => undefined, roundWaitMs: 1 };
  const packages = await openPackageStore(quick);
  for (const canAsk of [true, false]) await fetchMissing(packages, one, log, () => canAsk);
  const fields = expect.objectContaining({ model: 'tiny', code: 'MODEL_MISSING' });
  expect(told).toEqual([
    ['warn', 'model.missing', fields],
    ['info', 'model.missing', fields],
  ]);
});
