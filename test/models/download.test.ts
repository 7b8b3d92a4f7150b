/** Downloads from a server that cuts connections, lies about ranges and serves other bytes. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { textFromBytes } from '../../src/lib/text-file.ts';
import { WRITTEN } from '../lib/written.ts';
import { download, downloadFile, parseHashes } from '../../models/import/download.ts';
import { generate, SIZES, writeFiles, type Form } from '../../models/import/generate.ts';
import { readFolder } from '../../models/import/folder.ts';

const DATA = Uint8Array.from({ length: 200_000 }, (_, i) => (i * i) & 255);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const HASH = sha256(DATA);

let server: Server;
let folder: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: (string | undefined)[];
const url = (path: string) =>
  new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${path}`);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pila-download-'));
  asked = [];
  server = createServer((request, response) => {
    if (request.method === 'GET') asked.push(request.headers.range);
    answer(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

/** From the asked place on, at most `most` bytes; then the connection is cut. */
function serve(
  bytes: Uint8Array,
  request: IncomingMessage,
  response: ServerResponse,
  most = Infinity,
) {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const headers = { 'content-length': bytes.length - from };
  if (from >= bytes.length) return void response.writeHead(416).end();
  if (from)
    response.writeHead(206, {
      ...headers,
      'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
    });
  else response.writeHead(200, headers);
  if (from + most >= bytes.length) return void response.end(bytes.subarray(from));
  response.write(bytes.subarray(from, from + most), () =>
    setTimeout(() => response.destroy(), 300),
  );
}

test('cut connections are resumed where they ended', async () => {
  answer = (request, response) => serve(DATA, request, response, 70_000);
  const path = join(folder, 'x');
  await downloadFile(url('x'), path, HASH);
  expect(new Uint8Array(readFileSync(path))).toEqual(DATA);
  expect(asked.length).toBeGreaterThan(2);
  expect(asked.some((range) => range?.startsWith('bytes='))).toBe(true);
  // It is there: nothing is asked again.
  const before = asked.length;
  await downloadFile(url('x'), path, HASH);
  expect(asked).toHaveLength(before);
});

test('a part of an earlier start is gone on with, one of another version is thrown away', async () => {
  answer = (request, response) => serve(DATA, request, response);
  const path = join(folder, 'x');
  writeFileSync(`${path}.part`, DATA.subarray(0, 1000));
  await downloadFile(url('x'), path, HASH);
  expect(asked).toEqual(['bytes=1000-']);
  writeFileSync(`${path}2.part`, new Uint8Array(1000).fill(7));
  await downloadFile(url('x'), `${path}2`, HASH);
  expect(asked).toEqual(['bytes=1000-', 'bytes=1000-', undefined]);
});

test('a server without ranges sends all again; one that lies about them is given up', async () => {
  const path = join(folder, 'x');
  writeFileSync(`${path}.part`, DATA.subarray(0, 1000));
  answer = (_, response) => response.writeHead(200).end(DATA);
  await downloadFile(url('x'), path, HASH);
  writeFileSync(`${path}2.part`, DATA.subarray(0, 1000));
  answer = (_, response) =>
    response
      .writeHead(206, { 'content-range': `bytes 0-9/${DATA.length}` })
      .end(DATA.subarray(0, 10));
  await expect(downloadFile(url('x'), `${path}2`, HASH)).rejects.toMatchObject({
    code: 'MODEL_MISSING',
  });
});

test('other bytes are refused and not kept', async () => {
  const other = DATA.slice();
  other[100_000]! ^= 1;
  answer = (request, response) => serve(other, request, response);
  const path = join(folder, 'x');
  await expect(downloadFile(url('x'), path, HASH)).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
  expect(() => statSync(path)).toThrow();
  expect(() => statSync(`${path}.part`)).toThrow();
});

/** Serves files below /org/mini/ as huggingface.co does, with their hashes. */
function serveAll(files: ReadonlyMap<string, Uint8Array>): void {
  const git = (bytes: Uint8Array) =>
    createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  answer = (request, response) => {
    const name = (request.url ?? '').slice('/org/mini/'.length);
    const bytes = files.get(name);
    if (!bytes) return void response.writeHead(404).end();
    if (request.method === 'HEAD') {
      const tag = name.endsWith('.safetensors') ? sha256(bytes) : git(bytes);
      return void response.writeHead(302, { etag: `"${tag}"`, location: 'elsewhere' }).end();
    }
    serve(bytes, request, response, 300_000);
  };
}

test('a whole folder, with the hashes that huggingface.co tells', async () => {
  serveAll(generate(SIZES.mini!));
  await download(url('org/mini').href, folder);
  expect((await readFolder(folder)).bert).toMatchObject({ hidden: 128, layers: 2 });
  // A list goes before what the server tells.
  const wrong = new Map([['config.json', '0'.repeat(64)]]);
  await expect(download(url('org/mini').href, folder, wrong)).rejects.toMatchObject({
    code: 'MODEL_CORRUPT',
  });
});

test('every file that modules.json and an index name, and none of another version', async () => {
  const form: Form = {
    writer: 'names',
    shards: 2,
    folders: { encoder: '0_Transformer', pooling: 'pooling' },
  };
  const files = generate({ ...SIZES.mini!, pooling: 'cls' }, form);
  serveAll(files);
  // What is here of a version with one file would be read first, and its pooling.
  writeFiles(folder, generate(SIZES.mini!, { folders: { encoder: '0_Transformer' } }));
  await download(url('org/mini').href, folder);
  expect((await readFolder(folder)).bert).toMatchObject({ hidden: 128, pooling: 'cls' });
  for (const name of ['0_Transformer/model-00002-of-00002.safetensors', 'pooling/config.json']) {
    expect(new Uint8Array(readFileSync(join(folder, name)))).toEqual(files.get(name));
    const without = new Map(files);
    without.delete(name);
    serveAll(without);
    await expect(download(url('org/mini').href, folder)).rejects.toMatchObject({
      code: 'MODEL_MISSING',
    });
  }
  expect(() => statSync(join(folder, '0_Transformer/model.safetensors'))).toThrow();
});

test('no hash, no https, no such file, no list', async () => {
  answer = (_, response) => response.writeHead(200).end();
  const refused = { code: 'MODEL_REFUSED' };
  await expect(download(url('m').href, folder)).rejects.toMatchObject(refused);
  await expect(download('http://example.com/m', folder)).rejects.toMatchObject(refused);
  answer = (_, response) => response.writeHead(404).end();
  await expect(download(url('m').href, folder)).rejects.toMatchObject({ code: 'MODEL_MISSING' });
  expect(parseHashes(`${HASH}  ./a/b.json\n`)).toEqual(new Map([['a/b.json', HASH]]));
  for (const [name, write] of WRITTEN) {
    const lines = textFromBytes(write(`${HASH.toUpperCase()} *a/b.json\n\n${HASH}  c\n`));
    const wanted = new Map([
      ['a/b.json', HASH],
      ['c', HASH],
    ]);
    expect(parseHashes(lines), name).toEqual(wanted);
  }
  expect(() => parseHashes('abc  x')).toThrow('sha256sum');
});

test('without safetensors the ONNX file is fetched; without either it is said', async () => {
  const files = new Map(['config.json', 'tokenizer.json'].map((name) => [name, DATA]));
  const asked: string[] = [];
  answer = (request, response) => {
    const name = request.url!.slice(1);
    asked.push(name);
    const bytes = files.get(name);
    if (!bytes) return void response.writeHead(404).end();
    response.writeHead(200, { etag: sha256(bytes) });
    response.end(request.method === 'GET' ? bytes : undefined);
  };
  await expect(download(url('').href, folder)).rejects.toThrow('has none of model.safetensors');
  files.set('onnx/model.onnx', DATA);
  files.set('model.onnx', DATA);
  await download(url('').href, folder);
  expect(new Uint8Array(readFileSync(join(folder, 'onnx/model.onnx')))).toEqual(DATA);
  expect(asked.filter((name) => name === 'model.onnx')).toHaveLength(1);
});
