/** A seed that gives served models: no more of them than its operator wants, of the others whatever is asked for. */
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createModelService } from '../../../src/client/models/model-service.ts';
import { networkOf } from '../../../src/client/models/networks.ts';
import { openPackageStore } from '../../../src/client/models/package-store.ts';
import { httpSource, SourceBusy } from '../../../src/client/models/part-sources.ts';
import { MODEL_SLICE_BYTES } from '../../../src/core/messages.ts';
import type { Platform } from '../../../src/client/platform.ts';
import { fromHex } from '../../../src/lib/bytes.ts';
import { Emitter } from '../../../src/lib/events.ts';
import type { Transport } from '../../../src/net/transport.ts';
import { createMemoryParts, type PartStore } from '../../../src/miner/package/part-store.ts';
import { MANIFEST_PART, partSize, planServed } from '../../../src/miner/package/parts.ts';
import { createCallers } from '../../../src/node/http/caller.ts';
import { createHttp, listen, sendJson } from '../../../src/node/http/http.ts';
import { createPackagedParts, MODEL_FOLDER } from '../../../src/node/packaged-parts.ts';
import { partsOr } from '../../../src/node/seed/seed-models.ts';
import {
  CLIENT_GIVES_BYTES,
  partsForPeers,
  ServedBytes,
  type TakenBytes,
} from '../../../src/client/models/served-bytes.ts';
import { findServed } from '../../../src/node/served/served-folders.ts';
import { writePackage } from '../../../models/write-package.ts';
import { chain } from '../../models/chain.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const isTaken = (taken: TakenBytes | number): boolean => typeof taken !== 'number';

describe('bytes of an hour', () => {
  it('are given up to the bound, and again when they are an hour old, not before', () => {
    const bytes = new ServedBytes(100);
    expect(isTaken(bytes.take('a', 50, 0))).toBe(true);
    expect(isTaken(bytes.take('b', 30, 10 * MINUTE_MS))).toBe(true);
    expect(bytes.lastHour(10 * MINUTE_MS)).toBe(80);
    for (const at of [10 * MINUTE_MS, HOUR_MS - 1, HOUR_MS])
      expect(isTaken(bytes.take('c', 21, at))).toBe(false);
    expect(isTaken(bytes.take('c', 20, HOUR_MS))).toBe(true);
    expect(isTaken(bytes.take('d', 50, HOUR_MS + MINUTE_MS))).toBe(true);
    expect(bytes.given).toBe(150);
  });

  it('are never more in any hour, whoever asks when', () => {
    const bytes = new ServedBytes(1000);
    const sent: (readonly [number, number])[] = [];
    let state = 7;
    const next = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state % below;
    };
    for (let now = 0, i = 0; i < 3000; i++) {
      now += next(5 * MINUTE_MS);
      const size = 1 + next(200);
      const taken = bytes.take(`caller ${next(5)}`, size, now);
      if (typeof taken === 'number') continue;
      const unsent = next(3) ? 0 : next(size);
      taken.giveBack(unsent);
      sent.push([now, size - unsent]);
    }
    for (const [from] of sent) {
      const inHour = sent.filter(([at]) => at >= from && at <= from + HOUR_MS);
      expect(inHour.reduce((sum, [, size]) => sum + size, 0)).toBeLessThanOrEqual(1000);
    }
    const all = sent.reduce((sum, [, size]) => sum + size, 0);
    expect(bytes.given).toBe(all);
    // It is a bound, not a wall.
    expect(all).toBeGreaterThan(10_000);
  });

  it('who is refused hears when there are so many again, and then gets them', () => {
    const now = 30 * MINUTE_MS;
    for (const size of [10, 50]) {
      const bytes = new ServedBytes(100);
      bytes.take('a', 40, 0);
      bytes.take('b', 50, 20 * MINUTE_MS);
      bytes.take('c', 10, 25 * MINUTE_MS);
      const waitMs = bytes.take('c', size, now) as number;
      expect(isTaken(bytes.take('c', size, now + waitMs - 1))).toBe(false);
      expect(isTaken(bytes.take('c', size, now + waitMs))).toBe(true);
    }
  });

  it('of one caller are at most half: nobody takes all from all others', () => {
    const bytes = new ServedBytes(100);
    for (let i = 0; i < 10; i++) bytes.take('greedy', 10, i);
    expect(bytes.lastHour(10)).toBe(50);
    expect(isTaken(bytes.take('another', 50, 10))).toBe(true);
    expect(isTaken(bytes.take('greedy', 51, 10 * HOUR_MS))).toBe(false);
  });

  it('what was not sent is not counted', () => {
    const bytes = new ServedBytes(100);
    (bytes.take('a', 50, 0) as TakenBytes).giveBack(40);
    expect([bytes.lastHour(0), bytes.given]).toEqual([10, 10]);
    expect(isTaken(bytes.take('a', 40, 0))).toBe(true);
  });

  it('of none give none', () => {
    const bytes = new ServedBytes(0);
    expect(bytes.isOpen).toBe(false);
    expect(isTaken(bytes.take('a', 1, 0))).toBe(false);
  });
});

describe('over HTTP and to peers', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pila-given-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const closers: (() => unknown)[] = [];
  afterEach(() => closers.splice(0).forEach((close) => close()));
  /** Its table is a part of 8 MiB and more. */
  const own = chain({
    sizes: [
      [128, 64],
      [128, 64],
    ],
    width: 32_768,
    wide: 1,
  });
  writePackage(join(folder, 'own'), own);
  const [found] = await findServed([join(folder, 'own')], { warn: () => undefined });
  const { id } = found!.said;
  const plan = planServed(own.manifest);
  const large = 1 + plan.parts.findIndex(({ size }) => size === 2 ** 23);
  const small = partSize(plan, MANIFEST_PART)!;
  const { models } = networkOf('e2e');
  const [tiny] = [...models].find(([, { name }]) => name === 'tiny')!;

  async function seed(max: number) {
    const packages = await openPackageStore({
      models,
      served: [found!.said],
      store: await createPackagedParts(models, createMemoryParts(), MODEL_FOLDER, [found!]),
      sources: () => [],
      onChange: () => undefined,
    });
    const bytes = new ServedBytes(max);
    const clock = { nowMs: 0 };
    const giving = { bytes, callers: createCallers([]), nowMs: () => clock.nowMs };
    const route = partsOr(packages, giving, (_, response) => sendJson(response, 404, {}));
    const { server } = createHttp({}, route);
    const port = await listen(server, '127.0.0.1', 0);
    closers.push(() => (server.closeAllConnections(), server.close()));
    const url = `http://127.0.0.1:${port}/models/`;
    return { url, bytes, clock, peers: partsForPeers(packages, giving) };
  }
  const at = (part: number): string => `${id}/${part}`;

  it('beyond the bound a part is answered 503, with the seconds to wait, and given afterwards', async () => {
    const { url, bytes, clock } = await seed(2 ** 24);
    expect((await (await fetch(url + at(large))).arrayBuffer()).byteLength).toBe(2 ** 23);
    expect(bytes.lastHour(0)).toBe(2 ** 23);
    const refused = await fetch(url + at(MANIFEST_PART));
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ error: { code: 'BUSY' } });
    expect(refused.headers.get('access-control-allow-origin')).toBe('*');
    expect(refused.headers.get('access-control-expose-headers')).toBe('retry-after');
    const waitS = Number(refused.headers.get('retry-after'));
    clock.nowMs = waitS * 1000;
    expect((await fetch(url + at(MANIFEST_PART))).status).toBe(200);
    // The page waits by that header.
    const busy = httpSource(url)
      .fetch(
        { model: fromHex(id)!, part: large, size: 2 ** 23 },
        AbortSignal.timeout(9000),
        () => 0,
      )
      .catch((e: unknown) => e);
    expect(await busy).toBeInstanceOf(SourceBusy);
  });

  it('what admitted models need is given, and not counted', async () => {
    const { url, bytes } = await seed(0);
    expect((await fetch(url + at(1))).status).toBe(503);
    expect((await fetch(`${url}${tiny}/1`)).status).toBe(200);
    expect(bytes.given).toBe(0);
  });

  it('a look at its size costs nothing, nor does a part that is not there', async () => {
    const { url, bytes } = await seed(2 ** 24);
    const head = await fetch(url + at(large), { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(2 ** 23));
    for (const odd of [at(60_000), `${'ab'.repeat(32)}/1`, `${tiny}/${MANIFEST_PART}`])
      expect((await fetch(url + odd)).status).toBe(404);
    expect(bytes.given).toBe(0);
  });

  it('who leaves in the middle has what was sent counted alone', async () => {
    const { url, bytes } = await seed(2 ** 24);
    await new Promise<void>((resolve) => {
      const request = get(url + at(large), (response) => {
        response.once('data', () => (request.destroy(), resolve()));
      });
      request.on('error', () => undefined);
    });
    await expect.poll(() => bytes.given).toBeLessThan(2 ** 23);
    expect(bytes.given).toBeGreaterThan(0);
  });

  it('slices that peers take count too, all peers as one', async () => {
    const { bytes, peers, url } = await seed(2 ** 24);
    const ask = (part: number, from: number) =>
      peers.answer({ type: 'model', id: fromHex(id)!, part, at: from });
    const manifest = await ask(MANIFEST_PART, 0);
    expect(manifest.type === 'model' && manifest.bytes.length).toBe(small);
    expect(bytes.given).toBe(small);
    expect(await ask(60_000, 0)).toMatchObject({ type: 'unavailable' });
    expect(bytes.given).toBe(small);
    let slices = 0;
    for (let from = 0; from < 2 ** 24; from += MODEL_SLICE_BYTES)
      slices += Number((await ask(large, from % 2 ** 23)).type === 'model');
    expect(slices).toBe(Math.floor((2 ** 23 - small) / MODEL_SLICE_BYTES));
    // Pages still get the other half, and peers what admitted models need.
    expect((await fetch(url + at(MANIFEST_PART))).status).toBe(200);
    const other = await peers.answer({ type: 'model', id: fromHex(tiny)!, part: 1, at: 0 });
    expect(other.type).toBe('model');
  });

  it('a page gives its peers some downloads of them an hour, and no more', async () => {
    const store = await createPackagedParts(models, createMemoryParts(), MODEL_FOLDER, [found!]);
    /** Read from memory: half a gigabyte of them. */
    const part = (await store.read(id, large))!;
    const quick: PartStore = {
      ...store,
      read: async (model, number, from = 0, to) =>
        model === id && number === large
          ? part.subarray(from, to)
          : store.read(model, number, from, to),
    };
    const clock = { nowMs: 0 };
    const service = await createModelService({
      platform: {
        packages: { openStore: async () => quick, origin: undefined },
        steadyMs: () => clock.nowMs,
      } as Platform,
      config: { network: 'e2e', bootstrap: [], genesis: undefined, served: [found!.said] },
      network: networkOf('e2e'),
      transport: { peers: () => [] } as unknown as Transport,
      events: new Emitter(),
    });
    const ask = (model: string, number: number, from = 0) =>
      service.answer({ type: 'model', id: fromHex(model)!, part: number, at: from });
    const most = CLIENT_GIVES_BYTES / MODEL_SLICE_BYTES;
    let slices = 0;
    for (let i = 0; i < most + 2; i++)
      slices += Number((await ask(id, large, (i % 8) * MODEL_SLICE_BYTES)).type === 'model');
    expect(slices).toBe(most);
    expect((await ask(tiny, 1)).type).toBe('model');
    clock.nowMs = HOUR_MS + MINUTE_MS;
    expect((await ask(id, large)).type).toBe('model');
    service.close();
  });
});
